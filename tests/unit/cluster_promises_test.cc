// Promises that trials have broken: what is dead stays dead, a start that its worker refuses never
// comes true, a delete knows of files that were sent after it.
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

constexpr const char* kSingleton = "launch web --singleton --lease 3s --restart always --on ";

// The root of w1 was emptied under an app that is always restarted.
World with_emptied_root(const std::string& more) {
  World world = with_web({"w1", "w2"});
  world.run("launch web --restart always" + more);
  const std::string worker =
      world.cluster().state().instances.at("web.1").worker == "w1" ? "w1" : "w2";
  CHECK_EQ(worker, "w1");
  world.answer("w1", "LAUNCH", "OK pid=7 run=1");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=running run=1 pid=7");
  world.pass(1000, {"w1", "w2"});
  world.close("w1");
  world.join("w1");
  CHECK_EQ(world.state_of("web.1"), "dead worker w1 has no record of it");
  world.take();
  return world;
}

}  // namespace

TEST(promises_dead_is_dead_also_when_the_worker_is_lost_later) {
  World world = with_emptied_root("");
  world.pass(30'000, {"w2"});
  CHECK_EQ(world.count("record INSTANCE"), 0);
  CHECK_EQ(world.count("w2> LAUNCH"), 0);
  CHECK_EQ(world.state_of("web.1"), "dead worker w1 has no record of it");
}

TEST(promises_dead_is_dead_for_the_next_master) {
  World world = with_emptied_root("");
  world.restart();
  world.join("w2");
  world.take();
  world.pass(60'000, {"w2"});
  CHECK_EQ(world.count("record INSTANCE"), 0);
  CHECK_EQ(world.count("w2> LAUNCH"), 0);
  CHECK_EQ(world.state_of("web.1"), "dead worker w1 has no record of it");
}

TEST(promises_no_two_singletons_where_a_root_was_emptied) {
  World world = with_emptied_root(" --singleton --lease 3s");
  world.pass(5000, {"w1", "w2"});
  world.run(std::string(kSingleton) + "w2");
  CHECK_EQ(world.count("w2> LAUNCH"), 1);
  world.answer("w2", "LAUNCH", "OK pid=8 run=1");
  world.pass(30'000, {"w2"});
  CHECK_EQ(world.count("record INSTANCE"), 1);
}

TEST(promises_a_finished_singleton_makes_room) {
  World world = with_web({"w1", "w2"});
  world.launch("web", "w1", " --singleton --lease 3s --restart on-failure");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=0 reason=exit%20code%200");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=dead run=1");
  world.run("launch web --singleton --lease 3s --on w2");
  CHECK(!world.has("ERR exists"));
  CHECK_EQ(world.count("w2> LAUNCH"), 1);
  // Should its worker lose the record of that end, it is not begun again.
  CHECK(world.has("record DESIRED instance=web.1 desired=stopped"));
}

TEST(promises_a_crashed_singleton_makes_no_room) {
  World world = with_web({"w1", "w2"});
  world.launch("web", "w1", " --singleton --lease 3s --restart on-failure");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=3 reason=exit%20code%203");
  CHECK_EQ(world.state_of("web.1"), "backoff exit code 3");
  world.run("launch web --singleton --lease 3s --on w2");
  CHECK(world.has("ERR exists web.1 runs on w1"));
}

// Its agent was frozen when it was stopped, and the master died before that was heard.
TEST(promises_a_start_over_a_run_that_never_stopped_is_refused_for_good) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  world.pass(3000);
  world.run("stop web.1");
  world.restart();
  const auto request = world.run("start web.1");
  world.return_with("w1", "INSTANCE instance=web.1 desired=running state=sleeping run=1 pid=77");
  world.hear("w1", "HEARTBEAT seq=1");
  CHECK_EQ(world.count("w1> LAUNCH"), 1);
  world.answer("w1", "LAUNCH", "ERR code=exists msg=web.1%20is%20sleeping");
  CHECK(world.has("#" + std::to_string(request) + " ERR exists"));
  CHECK_EQ(world.state_of("web.1"), "sleeping");
  world.take();
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=0 reason=exit%20code%200");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=dead run=1");
  CHECK_EQ(world.state_of("web.1"), "dead exit code 0");
  world.restart();
  world.return_with("w1", "INSTANCE instance=web.1 desired=running state=dead run=1");
  world.pass(5000, {"w1"});
  CHECK_EQ(world.count("w1> LAUNCH"), 0);
  CHECK_EQ(world.state_of("web.1"), "dead exit code 0");
}

TEST(promises_a_delete_knows_what_was_sent_after_it) {
  World world = with_web({"w1"});
  world.run("delete web --from w1");
  world.run_with_files("copy ./web --to w1", "web", "2");
  world.answer("w1", "PROBE", "OK");
  CHECK(world.has("w1> INSTALL"));
  world.answer("w1", "DELETE", "OK");
  // Nobody hears how the install went.
  world.restart();
  world.join("w1");
  world.take();
  world.run("delete web");
  CHECK_EQ(world.count("w1> DELETE"), 1);
}

TEST(promises_nothing_is_sent_of_a_version_that_was_deleted) {
  World world;
  world.join("w1");
  const auto copy = world.run_with_files("copy ./web", "web");
  world.run("delete web --force");
  world.answer("w1", "PROBE", "OK");
  CHECK_EQ(world.count("w1> INSTALL"), 0);
  CHECK(world.has("#" + std::to_string(copy) + " ERR not-found"));
}

TEST(promises_what_all_stopped_ended_is_dead_when_its_worker_leaves) {
  World world = with_web({"w1", "w2"});
  world.launch("web", "w1", " --restart always --on-lost move");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=0 reason=stopped last=1");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=dead run=1");
  CHECK_EQ(world.state_of("web.1"), "dead stopped");
  world.hear("w1", "BYE");
  CHECK_EQ(world.state_of("web.1"), "dead stopped");
  world.pass(30'000, {"w2"});
  CHECK_EQ(world.count("w2> LAUNCH"), 0);
}

TEST(promises_a_stop_that_nobody_waits_for_is_told_when_it_is_done) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  const auto request = world.run("stop web.1");
  world.cancel(request);
  CHECK_EQ(world.count("record COMMAND"), 0);
  CHECK(world.print("events").find("stop web.1: ann waits no longer, it goes on") !=
        std::string::npos);
  world.answer("w1", "STOP", "OK reason=stopped");
  CHECK_EQ(world.count("record COMMAND"), 1);
  // Nobody is there to be told more than that it goes on without him.
  CHECK_EQ(world.count("#" + std::to_string(request)), 1);
}

TEST(promises_the_end_of_a_replaced_one_names_its_replacement) {
  World world = with_web({"w1", "w2"});
  world.launch("web", "w1", " --restart always --on-lost move");
  world.pass(30'000, {"w2"});
  world.open("w1");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 signal=SIGKILL reason=lease%20over");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=dead run=1");
  world.hear("w1", "SYNCED");
  CHECK_EQ(world.state_of("web.1"), "dead lease over, superseded by web.2");
}

TEST(promises_usage_that_is_not_known_is_null) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  CHECK(world.print("ps --json").find("\"rss_bytes\": null") != std::string::npos ||
        world.print("ps --json").find("\"rss_bytes\":null") != std::string::npos);
}
