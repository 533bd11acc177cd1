#include "master/view/views.h"

#include <algorithm>

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::master;

namespace {

constexpr Now kNow{100'000, 1'700'000'000'000};

InstanceRow row_of(const Placement& placement) {
  InstanceRow row;
  row.name = "web.1";
  row.placement = &placement;
  row.state = "sleeping";
  row.alive = true;
  row.pid = 77;
  row.run = 1;
  row.started_ms = kNow.wall_ms - 65'000;
  row.cpu_percent = 1.25;
  row.rss_bytes = 4096;
  return row;
}

}  // namespace

TEST(views_instances_are_aligned_and_escaped) {
  Placement placement;
  placement.app = std::string("web");
  placement.worker = std::string("w1");
  InstanceRow row = row_of(placement);
  CHECK_EQ(show_instances({row}, kNow, false),
           "INSTANCE  WORKER  PID  STATE     UPTIME  RESTARTS  CPU%  RSS  REASON\n"
           "web.1     w1       77  sleeping    1m5s         0   1.2   4K  -\n");
  row.reason = "a\x1b[31mb";
  CHECK(show_instances({row}, kNow, false).find('\x1b') == std::string::npos);
  const std::string none = show_instances({}, kNow, false);
  CHECK_EQ(std::count(none.begin(), none.end(), '\n'), 1);
  CHECK_EQ(show_instances({}, kNow, true), "");
}

TEST(views_what_is_absent_is_a_dash_or_null) {
  Placement placement;
  placement.worker = std::string("w1");
  placement.desired = Desired::kKilled;
  InstanceRow row;
  row.name = "web.1";
  row.placement = &placement;
  row.state = "dead";
  CHECK_EQ(show_instances({row}, kNow, false),
           "INSTANCE  WORKER  PID  STATE  UPTIME  RESTARTS  CPU%  RSS  REASON\n"
           "web.1     w1        -  dead        -         0     -    -  -\n");
  const std::string json = show_instances({row}, kNow, true);
  CHECK(json.find("\"pid\":null,\"state\":\"dead\",\"desired\":\"stopped\"") != std::string::npos);
  CHECK(json.find("\"core\":null,\"reason\":null,\"cpu_percent\":null") != std::string::npos);
}

TEST(views_a_clock_that_went_back_makes_no_negative_age) {
  Placement placement;
  InstanceRow row = row_of(placement);
  row.started_ms = kNow.wall_ms + 5000;
  CHECK(show_instances({row}, kNow, false).find("0s") != std::string::npos);
}

TEST(views_workers_for_people_and_programs) {
  WorkerView view;
  view.name = "w1";
  view.presence = Presence::kUp;
  view.last_beat_mono_ms = kNow.mono_ms - 300;
  CHECK_EQ(show_workers({{&view, false}}, kNow, false),
           "NAME  STATE  ADDRESS  BEAT  CPU%  MEM%  LOAD  INST\n"
           "w1    up     -        0.3s     -     -     -     0\n");
  view.cordoned = true;
  view.cpu_percent = 12.5;
  view.mem_used_bytes = 50;
  view.mem_total_bytes = 100;
  CHECK(show_workers({{&view, false}}, kNow, false).find("up,cordoned") != std::string::npos);
  const std::string json = show_workers({{&view, false}}, kNow, true);
  CHECK(
      json.find("\"cordoned\":true,\"address\":null,\"heartbeat_age_ms\":300,\"cpu_percent\":12.5,"
                "\"mem_used_bytes\":50,\"mem_total_bytes\":100,\"disk_free_bytes\":null,"
                "\"load\":20.0") != std::string::npos);
}

TEST(views_usage_with_and_without_time) {
  UsageRow row{"web.1", "w1", kNow.wall_ms, 1.5, 1234, 10, 4096, std::nullopt};
  CHECK_EQ(show_usage({row}, false, false),
           "INSTANCE  WORKER  CPU%  USER  SYSTEM  RSS  MAXRSS\n"
           "web.1     w1       1.5  1.23    0.01   4K       -\n");
  CHECK(show_usage({row}, true, false).find("2023-11-14T22:13:20.000Z") != std::string::npos);
  CHECK(show_usage({row}, true, true).find("\"time\":\"2023-11-14T22:13:20.000Z\"") !=
        std::string::npos);
  row.instance.clear();
  row.reaped = 3;
  CHECK(show_usage({row}, false, false)
            .ends_with("\nWORKER  CPU%  MEMORY  REAPED  THEIR USER  SYSTEM  MAXRSS\n"
                       "w1       1.5      4K       3        1.23    0.01       -\n"));
  CHECK(show_usage({row}, false, true).find("\"instance\":null,\"worker\":\"w1\"") !=
        std::string::npos);
}

TEST(views_descriptions_line_up) {
  CHECK_EQ(show_description({{"A", "1"}, {"Longer", "x\x1by"}, {"Empty", ""}}),
           "A:      1\nLonger: " + show_description({{"L", "x\x1by"}}).substr(3) + "Empty\n");
  CHECK(show_description({{"A", "\x1b"}}).find('\x1b') == std::string::npos);
  CHECK_EQ(percent(12.345), "12.3");
  CHECK_EQ(percent(std::nullopt), "-");
}
