// What moves from workers that are lost, and what is said of it.
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

constexpr std::int64_t kUntilMoved = 20'000;  // lost, and --move-after
const std::string kMovable = " --restart always --on-lost move";

// Beats of this load from now on.
void beat(World& world, const std::string& worker, int seq, std::string_view load) {
  world.hear(worker, "HEARTBEAT seq=" + std::to_string(seq) + " " + std::string(load));
}

// How many events have this in them.
int tells(World& world, std::string_view part) {
  const std::string events = world.print("events -n 1000 --json");
  int count = 0;
  for (std::size_t at = 0; (at = events.find(part, at)) != std::string::npos; ++at) ++count;
  return count;
}

}  // namespace

TEST(move_goes_to_the_least_loaded_even_if_all_are_full) {
  World world = with_web({"w1", "w2"});
  const std::string old = world.launch("web", "w1", kMovable);
  for (int i = 2; i < 40; ++i) {
    world.pass(1000);
    beat(world, "w2", i, "cpu=99 mem_used=1 mem_total=2");
  }
  CHECK_EQ(world.count("w2> LAUNCH"), 1);
  CHECK_EQ(tells(world,
                 "\"kind\":\"moved\",\"worker\":\"w2\",\"instance\":\"web.2\",\"app\":\"web\","
                 "\"replaces\":\"web.1\""),
           1);
}

TEST(move_that_nobody_can_take_is_said_once_and_done_later) {
  World world = with_web({"w1", "w2"});
  world.launch("web", "w1", kMovable);
  for (int i = 2; i < 40; ++i) {
    world.pass(1000);
    beat(world, "w2", i, "cpu=1 disk_low=1");
  }
  CHECK_EQ(world.count("w2> LAUNCH"), 0);
  CHECK_EQ(tells(world, "\"kind\":\"failover-waits\",\"worker\":\"w1\""), 1);
  beat(world, "w2", 40, "cpu=1");
  world.pass(1000, {"w2"});
  CHECK_EQ(world.count("w2> LAUNCH"), 1);
}

TEST(move_is_told_in_history_and_to_the_worker_that_returns) {
  World world = with_web({"w1", "w2"});
  const std::string old = world.launch("web", "w1", kMovable);
  world.close("w1");
  world.pass(kUntilMoved, {"w2"});
  world.answer("w2", "LAUNCH", "OK pid=8 run=1");
  CHECK(world.print("describe web.1").find("Superseded by") != std::string::npos);
  CHECK(world.print("describe web.2").find("Replaces") != std::string::npos);
  world.return_with("w1", "INSTANCE instance=web.1 desired=running state=running run=1 pid=7");
  CHECK(world.has("STOP id="));
  CHECK(world.has("because=superseded%20by%20web.2"));
  world.hear("w2", "EXITED seq=1 instance=web.2 run=1 exit_code=3 reason=exit%20code%203");
  CHECK(world.has("record ENDED instance=web.2"));
  CHECK(world.has("worker=w2 seq=1 replaces=web.1"));
}

TEST(move_that_an_operator_resumed_is_not_suspended_again) {
  World world = with_web({"w1", "w2", "w3"});
  world.launch("web", "w1", kMovable);
  world.launch("web", "w2", kMovable);
  world.close("w1");
  world.pass(4000, {"w2", "w3"});
  world.close("w2");
  world.pass(kUntilMoved, {"w3"});
  CHECK_EQ(tells(world, "failover-suspended"), 1);
  world.run("failover resume");
  world.pass(kUntilMoved, {"w3"});
  CHECK_EQ(tells(world, "failover-suspended"), 1);
  CHECK_EQ(world.print("failover"), "active\n");
  CHECK_EQ(world.count("w3> LAUNCH"), 2);
}

TEST(fence_holds_over_a_restart_until_an_operator_means_it) {
  World world = with_web({"w1"});
  world.hear("w1", "INFO epoch=7-abc");
  CHECK(world.has("record FENCED"));
  world.restart();
  world.join("w1");
  world.take();
  world.run("launch web");
  CHECK(world.has("ERR denied worker w1 has obeyed epoch 7-abc"));
  CHECK_EQ(world.count("w1> LAUNCH"), 0);
  CHECK(world.print("version").find("it is an old copy") != std::string::npos);
  CHECK(world.print("failover").find("suspended: worker w1 has obeyed") == 0);
  CHECK(world.cluster().replay(line("EPOCH number=1000002 id=e new=1")).has_value());
  world.run("launch web");
  CHECK_EQ(world.count("w1> LAUNCH"), 1);
}

namespace {

// Run 1 of web.1 on w1 has crashed; its policy waits until it begins run 2.
void crash_once(World& world) {
  world.hear("w1",
             "EXITED seq=1 instance=web.1 run=1 started_ms=1700000000000 "
             "ended_ms=1700000001000 exit_code=3 reason=exit%20code%203");
  world.hear("w1",
             "INSTANCE instance=web.1 desired=running state=backoff run=1 restarts=0 "
             "retry_ms=1700000002000");
}

// And has begun it.
void revive(World& world) {
  crash_once(world);
  world.hear("w1",
             "INSTANCE instance=web.1 desired=running state=running run=2 restarts=1 pid=78 "
             "started_ms=1700000002000");
}

}  // namespace

TEST(move_of_a_run_that_a_policy_began_outlives_the_master) {
  World world = with_web({"w1", "w2"});
  world.launch("web", "w1", kMovable);
  revive(world);
  CHECK_EQ(world.count("record LAUNCHED instance=web.1 run=2"), 1);
  CHECK_EQ(tells(world, "\"kind\":\"started\""), 1);
  world.restart();
  world.join("w2");
  world.pass(5000, {"w2"});
  CHECK_EQ(world.state_of("web.1"), "unknown worker w1 lost");
  world.pass(40'000, {"w2"});
  CHECK_EQ(world.count("w2> LAUNCH"), 1);
  CHECK(world.has("replaces=web.1"));
}

TEST(move_of_one_in_backoff_on_a_lost_worker) {
  World world = with_web({"w1", "w2"});
  world.launch("web", "w1", kMovable);
  crash_once(world);
  CHECK_EQ(world.state_of("web.1"), "backoff exit code 3, next try in 2s");
  world.close("w1");
  world.pass(5000, {"w2"});
  CHECK_EQ(world.state_of("web.1"), "unknown worker w1 lost");
  world.pass(kUntilMoved, {"w2"});
  CHECK_EQ(world.count("w2> LAUNCH"), 1);
}

TEST(move_of_one_in_backoff_outlives_the_master) {
  World world = with_web({"w1", "w2"});
  world.launch("web", "w1", kMovable);
  crash_once(world);
  world.restart();
  CHECK_EQ(world.state_of("web.1"), "unknown worker w1 has not reported yet");
  world.join("w2");
  world.pass(5000, {"w2"});
  world.run("failover resume");
  world.pass(kUntilMoved, {"w2"});
  CHECK_EQ(world.count("w2> LAUNCH"), 1);
}

TEST(move_leaves_what_no_policy_would_revive) {
  World world = with_web({"w1", "w2"});
  world.launch("web", "w1", " --restart on-failure --on-lost move");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=0 reason=exit%20code%200");
  world.launch("web", "w1", kMovable);
  world.run("stop web.2");
  world.hear("w1", "EXITED seq=2 instance=web.2 run=1 exit_code=0 reason=stopped");
  world.restart();
  world.join("w2");
  world.pass(60'000, {"w2"});
  CHECK_EQ(world.state_of("web.1"), "dead exit code 0");
  CHECK_EQ(world.state_of("web.2"), "dead stopped");
  CHECK_EQ(world.count("record INSTANCE instance=web.3"), 0);
}

TEST(crashes_are_counted_over_runs_that_a_policy_began) {
  World world = with_web({"w1"});
  world.launch("web", "w1", kMovable);
  revive(world);
  world.hear("w1",
             "EXITED seq=2 instance=web.1 run=2 started_ms=1700000002000 "
             "ended_ms=1700000003000 exit_code=3 reason=exit%20code%203");
  CHECK(world.has("record ENDED instance=web.1 run=2"));
  CHECK(world.has(" crashes=2 "));
}

TEST(failover_waits_for_nobody_when_all_are_here) {
  World world = with_web({"w1", "w2"});
  world.restart();
  world.join("w1");
  world.pass(5000, {"w1"});
  CHECK_EQ(world.print("failover"), "waiting for known workers to come back\n");
  world.join("w2");
  CHECK_EQ(world.print("failover"), "active\n");
}
