// ps, usage, describe, events, logs, names: what they show, and the keys that programs rely on.
#include <algorithm>

#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

World with_one() {
  World world;
  world.join("w1",
             "HEARTBEAT seq=1 cpu=12.5 mem_used=50 mem_total=100 disk_free=1000000000 "
             "children_user_ms=10 children_system_ms=20 children_max_rss_bytes=30 "
             "children_reaped=40");
  world.hear("w1", "INFO os=Linux arch=x86_64 cpus=2 glibc=2.36 version=0.1 label=rack=r1");
  world.install("web", {"w1"});
  world.launch("web", "w1");
  world.hear("w1",
             "INSTANCE instance=web.1 desired=running state=sleeping run=1 restarts=2 pid=77 "
             "started_ms=1699999990000 cpu_user_ms=100 cpu_system_ms=50 cpu_percent=1.5 "
             "rss_bytes=4096 max_rss_bytes=8192");
  return world;
}

// The keys of a line of JSON, in order. Enough for objects of plain values.
std::string keys_of(const std::string& json) {
  std::string keys;
  for (std::size_t at = 0; (at = json.find("\":", at)) != std::string::npos; ++at) {
    const std::size_t begin = json.rfind('"', at - 1) + 1;
    keys += (keys.empty() ? "" : " ") + json.substr(begin, at - begin);
  }
  return keys;
}

}  // namespace

TEST(listing_the_keys_of_json_are_the_contract) {
  World world = with_one();
  CHECK_EQ(keys_of(world.print("ps --json")),
           "instance app version worker pid state desired run restarts started_at ended_at "
           "exit_code signal core reason cpu_percent cpu_user_ms cpu_system_ms rss_bytes "
           "max_rss_bytes");
  CHECK_EQ(keys_of(world.print("workers --json")),
           "name state available cordoned address heartbeat_age_ms cpu_percent mem_used_bytes "
           "mem_total_bytes disk_free_bytes load instances version arch");
  CHECK_EQ(keys_of(world.print("usage web.1 --json")),
           "instance worker cpu_percent cpu_user_ms cpu_system_ms rss_bytes max_rss_bytes reaped");
  CHECK_EQ(keys_of(world.print("events -n 1 --json")),
           "number time kind worker instance app replaces who from code text");
}

TEST(listing_ps_shows_the_living) {
  World world = with_one();
  const std::string json = world.print("ps --json");
  CHECK(json.find("\"instance\":\"web.1\",\"app\":\"web\",\"version\":\"") != std::string::npos);
  CHECK(json.find("\"pid\":77,\"state\":\"sleeping\",\"desired\":\"running\",\"run\":1,"
                  "\"restarts\":2,\"started_at\":\"2023-11-14T22:13:10.000Z\",\"ended_at\":null,"
                  "\"exit_code\":null,\"signal\":null,\"core\":null,\"reason\":null,"
                  "\"cpu_percent\":1.5,\"cpu_user_ms\":100,\"cpu_system_ms\":50,"
                  "\"rss_bytes\":4096,\"max_rss_bytes\":8192}") != std::string::npos);
  CHECK(world.print("ps").find("web.1     w1       77  sleeping     10s         2   1.5   4K  -") !=
        std::string::npos);
}

TEST(listing_ps_shows_the_dead_if_asked_or_named) {
  World world = with_one();
  world.hear("w1",
             "EXITED seq=1 instance=web.1 run=1 pid=77 started_ms=1699999990000 "
             "ended_ms=1700000000000 signal=SIGSEGV core=1 cpu_user_ms=7 cpu_system_ms=8 "
             "max_rss_bytes=9 reason=killed%20by%20SIGSEGV%20(core%20dumped)");
  CHECK_EQ(world.print("ps --json"), "");
  CHECK_EQ(world.print("ps web --json"), "");
  const std::string json = world.print("ps --all --json");
  CHECK_EQ(world.print("ps web.1 --json"), json);
  CHECK(json.find("\"pid\":77,\"state\":\"dead\"") != std::string::npos);
  CHECK(json.find("\"ended_at\":\"2023-11-14T22:13:20.000Z\",\"exit_code\":null,\"signal\":"
                  "\"SIGSEGV\",\"core\":true,\"reason\":\"killed by SIGSEGV (core dumped)\","
                  "\"cpu_percent\":null,\"cpu_user_ms\":7,\"cpu_system_ms\":8,\"rss_bytes\":null,"
                  "\"max_rss_bytes\":9}") != std::string::npos);
}

TEST(listing_ps_by_app_worker_and_both) {
  World world = with_one();
  world.join("w2");
  world.install("api", {"w2"});
  world.launch("api", "w2");
  CHECK(world.print("ps w2 --json").find("api.1") != std::string::npos);
  CHECK(world.print("ps w2 --json").find("web.1") == std::string::npos);
  CHECK(world.print("ps web --json").find("api.1") == std::string::npos);
  world.join("web");
  world.run("ps web");
  CHECK(world.has("ERR bad-arg web is both an app and a worker: say app/web or worker/web"));
  CHECK(world.print("ps app/web --json").find("web.1") != std::string::npos);
  CHECK_EQ(world.print("ps worker/web --json"), "");
  world.run("ps nosuch");
  CHECK(world.has("ERR not-found no app, instance or worker named nosuch"));
  world.run("ps worker/nosuch");
  CHECK(world.has("ERR not-found no worker named nosuch"));
}

TEST(listing_what_was_said_is_shown_without_its_controls) {
  World world = with_one();
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 reason=%1b[31mred%0aline");
  CHECK(world.print("ps --all").find('\x1b') == std::string::npos);
  CHECK(world.print("describe web.1").find('\x1b') == std::string::npos);
  CHECK(world.print("events").find('\x1b') == std::string::npos);
  CHECK(world.print("ps --all --json").find("\\u001B[31mred\\u000Aline") != std::string::npos);
}

TEST(listing_usage_of_now_and_of_since) {
  World world = with_one();
  const std::string json = world.print("usage --json");
  CHECK(json.find("{\"instance\":\"web.1\",\"worker\":\"w1\",\"cpu_percent\":1.5,") == 0);
  CHECK(json.find("{\"instance\":null,\"worker\":\"w1\",\"cpu_percent\":12.5,\"cpu_user_ms\":10,"
                  "\"cpu_system_ms\":20,\"rss_bytes\":50,\"max_rss_bytes\":30,\"reaped\":40}") !=
        std::string::npos);
  // For people a worker's columns say what they are: not those of an instance.
  const std::string text = world.print("usage");
  CHECK(text.find("WORKER  CPU%  MEMORY  REAPED  THEIR USER  SYSTEM  MAXRSS\n") !=
        std::string::npos);
  world.pass(60'000, {"w1"});
  CHECK_EQ(world.count("none"), 0);
  const std::string samples = world.print("usage web.1 --since 35s --json");
  CHECK_EQ(std::count(samples.begin(), samples.end(), '\n'), 4);
  CHECK(samples.find("\"rss_bytes\":4096") != std::string::npos);
  world.pass(2 * 3600'000, {"w1"});
  const std::string all = world.print("usage web.1 --since 1d --json");
  // Bounded: the last ones are 10 s apart, and older ones further.
  const auto readings = std::count(all.begin(), all.end(), '\n');
  CHECK(readings > 16 && readings <= 32);
  const std::string recent = world.print("usage web.1 --since 2m --json");
  CHECK_EQ(std::count(recent.begin(), recent.end(), '\n'), 13);
}

TEST(listing_workers_for_people) {
  World world = with_one();
  world.pass(300);
  CHECK_EQ(world.print("workers"),
           "NAME  STATE  ADDRESS     BEAT  CPU%  MEM%  LOAD  INST\n"
           "w1    up     10.0.0.1:1  0.3s  12.5  50.0  20.0     0\n");
}

TEST(listing_describe_each_kind) {
  World world = with_one();
  CHECK(world.print("describe web.1").find("State:     sleeping") != std::string::npos);
  CHECK(world.print("describe web").find("On workers: w1") != std::string::npos);
  const std::string worker = world.print("describe w1");
  CHECK(worker.find("Available:  yes") != std::string::npos);
  CHECK(worker.find("Label:      rack=r1") != std::string::npos);
  CHECK(worker.find("Instances:  web.1") != std::string::npos);
  for (const char* words : {"describe web.1 --json", "describe web --json", "describe w1 --json"})
    CHECK(world.print(words).find("{\"") == 0);
  const std::string instance = world.print("describe web.1 --json");
  for (const char* key : {"\"restart\":\"no\"", "\"on_lost\":\"stay\"", "\"pinned\":true",
                          "\"lease_ms\":null", "\"who\":\"ann\"", "\"args\":[]", "\"env\":[]"})
    CHECK(instance.find(key) != std::string::npos);
  const std::string details = world.print("describe w1 --json");
  for (const char* key : {"\"name\":\"w1\"", "\"refused\":null", "\"labels\":[\"rack=r1\"]",
                          "\"running\":[\"web.1\"]", "\"foreign\":[]"})
    CHECK(details.find(key) != std::string::npos);
  CHECK(world.print("describe web --json").find("\"files\":[\"web\"]") != std::string::npos);
  world.run("describe wep");
  CHECK(world.has("ERR not-found no app, instance or worker named wep; did you mean web?"));
}

TEST(listing_events_newest_last_and_followed) {
  World world = with_one();
  CHECK(world.print("events -n 1").find("command  launch web --on w1: done (by ann)") !=
        std::string::npos);
  world.take();
  const RequestId follower = world.run("events -f -n 0");
  const std::string head = "#" + std::to_string(follower) + " ";
  CHECK_EQ(world.count(head + "OK"), 0);
  world.hear("w1", "BYE");
  CHECK_EQ(world.count(head + "out 2023-11-14T22:13:20.000Z  worker-left  worker w1 said"), 1);
  world.cancel(follower);
  CHECK_EQ(world.count(head + "OK"), 1);
}

TEST(listing_logs_expects_the_stream_before_it_asks_for_it) {
  World world = with_one();
  world.take();
  world.run("logs web.1 -n 20 -f --run 1");
  CHECK_EQ(world.take(),
           "expect stream e.4 of w1\n"
           "w1> LOG id=e.4 instance=web.1 follow=1 run=1 lines=20\n");
  world.answer("w1", "LOG", "OK");
  // The last bytes may still be on their way; the first must have come soon.
  CHECK_EQ(world.take(), "stream due e.4\n");
  world.stream_ended("e.4");
  CHECK_EQ(world.take(), "#3 OK\n");
  world.stream_ended("e.4");
  world.stream_ended("nonsense");
  CHECK_EQ(world.take(), "");
}

TEST(listing_logs_of_an_app_are_woven) {
  World world = with_one();
  world.join("w2");
  world.join("w3");
  world.launch("web", "w2");
  for (int number = 3; number < 10; ++number) world.launch("web", "w1");
  world.launch("web", "w3");
  world.close("w3");
  world.pass(2500, {"w1", "w2"});
  world.take();
  const RequestId id = world.run("logs app/web -n 5 -t");
  const std::string head = "#" + std::to_string(id) + " ";
  // All are expected, each before its own order; what is missing is told.
  CHECK_EQ(world.count("expect stream"), 9);
  CHECK(world.has(" of w2 as web.2  | "));
  CHECK_EQ(world.count("w1> LOG"), 8);
  CHECK(world.has(" instance=web.2 lines=5 stamp=1"));
  CHECK_EQ(world.count(head + "note web.10: worker w3 is lost: its log is missing"), 1);
  CHECK_EQ(world.count(head + "ERR"), 0);
  const std::string of_w2 = world.order("w2", "LOG");
  world.take();
  world.answer("w1", "LOG", "ERR code=busy msg=64%20logs");
  CHECK_EQ(world.count(head + "note web.9: 64 logs"), 1);
  world.stream_ended(of_w2);
  CHECK_EQ(world.count(head + "ERR"), 0);
  for (int order = 1; order < 100; ++order) world.stream_ended("e." + std::to_string(order));
  CHECK_EQ(world.count(head + "ERR lost 2 of 10 failed: worker w3 is lost: its log is missing"), 1);
}

TEST(listing_logs_of_an_app_that_has_many) {
  World world = with_one();
  for (int number = 2; number <= 50; ++number) world.launch("web", "w1");
  world.take();
  const RequestId id = world.run("logs web -f");
  CHECK_EQ(world.count("w1> LOG"), 48);
  CHECK(!world.has("instance=web.2 "));
  CHECK(world.has("instance=web.3 follow=1 stamp=1"));
  CHECK(world.has("note 2 older instances: left out: 48 of a worker and 256 in all are read at"));
  world.take();
  world.cancel(id);
  CHECK_EQ(world.count("drop stream"), 48);
  CHECK_EQ(world.count("#" + std::to_string(id) + " ERR busy"), 1);
}

TEST(listing_logs_that_cannot_come) {
  World world = with_one();
  world.run("logs web --run 1");
  CHECK(
      world.has("ERR bad-arg --run is for one instance, and each counts its own runs; this "
                "app's are web.1"));
  world.run("logs nosuch.1");
  CHECK(world.has("ERR not-found no app or instance named nosuch.1"));
  world.run("logs web.1");
  world.take();
  world.answer("w1", "LOG", "ERR code=not-found msg=web.1%20has%20no%20run%207");
  CHECK_EQ(world.take(), "drop stream e.4\n#5 ERR not-found web.1 has no run 7\n");
  world.run("logs web.1 -f");
  world.take();
  world.cancel(6);
  CHECK_EQ(world.take(), "w1> CANCEL id=e.5\ndrop stream e.5\n#6 OK\n");
  world.run("logs web.1 -f");
  world.take();
  world.pass(2500);
  CHECK(world.has("drop stream e.6"));
  CHECK(world.has("#7 ERR lost worker w1 is lost"));
  world.run("logs web.1");
  CHECK(world.has("#8 ERR lost worker w1 is lost"));
}

TEST(listing_names_help_version_and_quit) {
  World world = with_one();
  CHECK_EQ(world.print("names"), "worker w1\napp web\ninstance web.1\n");
  CHECK(world.print("help").find("launch") != std::string::npos);
  CHECK(world.print("help stop").find("usage: stop TARGET...") == 0);
  CHECK(world.print("version").find("dm ") == 0);
  world.take();
  world.run("quit");
  CHECK_EQ(world.take(), "#7 OK\n");
}

TEST(listing_of_one_that_left_says_so) {
  World world = with_one();
  world.hear("w1", "BYE");
  world.close("w1");
  CHECK_EQ(world.state_of("web.1"), "unknown worker w1 left");
  world.run("stop web.1");
  CHECK(world.has("ERR lost worker w1 has left: will be done when w1 returns"));
}
