#include "master/logs/event_log.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::master;

namespace {

ClusterEvent exited(const std::string& text, std::int64_t number = 0) {
  ClusterEvent event;
  event.number = number;
  event.wall_ms = 1'700'000'000'000;
  event.kind = "exited";
  event.text = text;
  return event;
}

}  // namespace

TEST(event_log_drops_the_oldest_and_takes_no_number_twice) {
  EventLog log;
  const auto most = static_cast<std::int64_t>(EventLog::kMost);
  for (std::int64_t i = 1; i <= most; ++i) log.add(exited("x", 2 * i));
  CHECK_EQ(log.dropped(), 0);
  CHECK_EQ(log.size(), EventLog::kMost);
  log.add(exited("again", 2 * most));
  log.add(exited("again", 4));
  CHECK_EQ(log.dropped(), 0);
  log.add(exited("last", 2 * most + 1));
  log.count_older(7);
  CHECK_EQ(log.dropped(), 8);
  CHECK_EQ(log.size(), EventLog::kMost);
  const auto all = log.latest(2 * EventLog::kMost);
  CHECK_EQ(all.size(), EventLog::kMost);
  CHECK_EQ(all.front()->number, 4);
  CHECK_EQ(all.back()->text, "last");
}

// No worker can wash out of sight what operators did.
TEST(event_log_keeps_commands_whatever_else_happens) {
  EventLog log;
  const auto command = [](const std::string& text, std::int64_t number) {
    ClusterEvent event = exited(text, number);
    event.kind = "command";
    return event;
  };
  log.add(command("workers revoke w1: done", 1));
  log.add(exited("x", 2));
  log.add(command("stop web: done", 3));
  const auto most = static_cast<std::int64_t>(EventLog::kMost);
  for (std::int64_t i = 1; i <= 2 * most; ++i) log.add(exited("y", 10 + i));
  log.add(command("ps: done", 5));  // known already
  log.add(command("kill web: done", 10 + 2 * most + 1));
  CHECK_EQ(log.dropped(), most + 1);
  CHECK_EQ(log.size(), EventLog::kMost + 3);
  const auto all = log.latest(3 * EventLog::kMost);
  CHECK_EQ(all.size(), EventLog::kMost + 3);
  CHECK_EQ(all[0]->text, "workers revoke w1: done");
  CHECK_EQ(all[1]->text, "stop web: done");
  CHECK_EQ(all[2]->number, 11 + most);
  CHECK_EQ(all.back()->text, "kill web: done");
  const auto last = log.latest(2);
  CHECK_EQ(last.size(), 2U);
  CHECK_EQ(last.front()->number, 10 + 2 * most);
  CHECK_EQ(last.back()->text, "kill web: done");
  CHECK(EventLog().latest(5).empty());
}

TEST(event_log_an_event_is_what_its_record_says) {
  const auto shown = [](const std::string& text) {
    const auto event = event_of(*parse_line(text));
    return event ? std::to_string(event->wall_ms) + " " + event->kind + " " + event->worker + " " +
                       event->instance + " " + event->app + " " + event->who + " " + event->text
                 : "none";
  };
  CHECK_EQ(shown("ENDED instance=web.1 run=2 reason=exit%20code%203 at=5 worker=w1 seq=9"),
           "5 exited w1 web.1 web  web.1 on w1: exit code 3");
  // As an earlier version wrote it.
  CHECK_EQ(shown("ENDED instance=web.1 run=2 ended_ms=4 reason=x"),
           "4 exited  web.1 web  web.1: x");
  CHECK_EQ(shown("COMMAND at=5 who=ann from=unix words=stop%20web code=ok"),
           "5 command    ann stop web: done");
  CHECK_EQ(shown("COMMAND at=5 who=ann words=stop code=lost msg=w1%20is%20lost"),
           "5 command    ann stop: w1 is lost");
  CHECK_EQ(shown("COMMAND at=5 who=ann words=stop code=lost"), "5 command    ann stop: lost");
  CHECK_EQ(shown("INSTANCE instance=web.1 app=web at=5"), "none");
  ClusterEvent moved = exited("web.2 on w2 replaces=web.1");
  moved.kind = "moved";
  moved.worker = "w2";
  moved.app = "web";
  CHECK_EQ(print_event(moved).print(),
           "EVENT at=1700000000000 kind=moved worker=w2 app=web "
           "text=web.2%20on%20w2%20replaces=web.1\n");
  CHECK_EQ(shown(print_event(moved).print().substr(0, print_event(moved).print().size() - 1)),
           "1700000000000 moved w2  web  web.2 on w2 replaces=web.1");
  moved.text.assign(60'000, '%');
  CHECK(print_event(moved).print().size() < 32'000);
}

TEST(event_log_prints_for_people_without_controls) {
  ClusterEvent event = exited("web.1 on w1: \x1b[31mred\n");
  CHECK(print_for_people(event).find("2023-11-14T22:13:20.000Z  exited  web.1 on w1: ") == 0);
  CHECK(print_for_people(event).find('\x1b') == std::string::npos);
  CHECK_EQ(print_for_people(event).find('\n'), print_for_people(event).size() - 1);
  event.text = "ps";
  event.who = "ann\x07";
  CHECK(print_for_people(event).find("ps (by ann") != std::string::npos);
  CHECK(print_for_people(event).find('\x07') == std::string::npos);
}

TEST(event_log_prints_json_with_null_for_what_is_absent) {
  ClusterEvent event = exited("a \"quoted\" text");
  event.number = 7;
  event.worker = "w1";
  CHECK_EQ(print_as_json(event),
           "{\"number\":7,\"time\":\"2023-11-14T22:13:20.000Z\",\"kind\":\"exited\",\"worker\":"
           "\"w1\",\"instance\":null,\"app\":null,\"replaces\":null,\"who\":null,"
           "\"from\":null,\"code\":null,\"text\":\"a \\\"quoted\\\" text\"}\n");
}
