#include "master/core/event_log.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::master;

namespace {

ClusterEvent event_of(const std::string& text) {
  ClusterEvent event;
  event.wall_ms = 1'700'000'000'000;
  event.kind = "exited";
  event.text = text;
  return event;
}

}  // namespace

TEST(event_log_counts_from_one_and_drops_the_oldest) {
  EventLog log;
  CHECK_EQ(log.add(event_of("first")).number, 1);
  for (std::size_t i = 1; i < EventLog::kMost; ++i) log.add(event_of("x"));
  CHECK_EQ(log.dropped(), 0);
  CHECK_EQ(log.events().size(), EventLog::kMost);
  CHECK_EQ(log.add(event_of("last")).number, static_cast<std::int64_t>(EventLog::kMost) + 1);
  CHECK_EQ(log.dropped(), 1);
  CHECK_EQ(log.events().size(), EventLog::kMost);
  CHECK_EQ(log.events().front().number, 2);
  CHECK_EQ(log.events().back().text, "last");
}

TEST(event_log_prints_for_people_without_controls) {
  ClusterEvent event = event_of("web.1 on w1: \x1b[31mred\n");
  CHECK(print_for_people(event).find("2023-11-14T22:13:20.000Z  exited  web.1 on w1: ") == 0);
  CHECK(print_for_people(event).find('\x1b') == std::string::npos);
  CHECK_EQ(print_for_people(event).find('\n'), print_for_people(event).size() - 1);
  event.text = "ps";
  event.who = "ann\x07";
  CHECK(print_for_people(event).find("ps (by ann") != std::string::npos);
  CHECK(print_for_people(event).find('\x07') == std::string::npos);
}

TEST(event_log_prints_json_with_null_for_what_is_absent) {
  ClusterEvent event = event_of("a \"quoted\" text");
  event.number = 7;
  event.worker = "w1";
  CHECK_EQ(
      print_as_json(event),
      "{\"number\":7,\"time\":\"2023-11-14T22:13:20.000Z\",\"kind\":\"exited\",\"worker\":"
      "\"w1\",\"instance\":null,\"app\":null,\"who\":null,\"text\":\"a \\\"quoted\\\" text\"}\n");
}
