// What must never live twice, and what keeps crashing where it is.
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

constexpr const char* kSingleton = "launch web --singleton --lease 5s --restart always";

// A singleton on w1, w2 beside it.
World with_singleton() {
  World world = with_web({"w1", "w2"});
  world.run(kSingleton);
  world.answer("w1", "LAUNCH", "OK pid=7 run=1");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=running run=1 pid=7");
  world.take();
  return world;
}

// One death on its worker, a second after its start.
void crash(World& world, const std::string& worker, const std::string& name, int run) {
  const std::string at = "instance=" + name + " run=" + std::to_string(run);
  world.hear(worker, "EXITED seq=" + std::to_string(run) + " " + at +
                         " started_ms=1700000000000 ended_ms=1700000001000 exit_code=3 "
                         "reason=exit%20code%203");
  world.hear(worker, "INSTANCE desired=running state=backoff " + at);
}

}  // namespace

TEST(leases_count_from_a_beat_that_the_worker_sent) {
  World world = with_web({"w1"});
  world.hear("w1", "HEARTBEAT seq=41 cpu=1");
  world.run(kSingleton);
  CHECK(world.has(" lease_ms=5000"));
  CHECK(world.has(" beat=41"));
  world.answer("w1", "LAUNCH", "OK pid=7 run=1");
  world.take();
  world.hear("w1", "HEARTBEAT seq=42 cpu=1");
  CHECK(world.has("w1> LEASE beat=42 instance=web.1"));
}

TEST(leases_are_for_what_is_wanted) {
  World world = with_singleton();
  world.hear("w1", "HEARTBEAT seq=2");
  CHECK_EQ(world.count("w1> LEASE"), 1);
  world.run("stop web.1");
  world.take();
  world.hear("w1", "HEARTBEAT seq=3");
  CHECK_EQ(world.count("w1> LEASE"), 0);
}

TEST(leases_must_run_out_before_another_begins) {
  World world = with_singleton();
  // Lost after 2.5 s, moved after 10 s more; the lease of 5 s is over by then.
  world.pass(12'000, {"w2"});
  CHECK_EQ(world.count("w2> LAUNCH"), 0);
  world.pass(1000, {"w2"});
  CHECK_EQ(world.count("w2> LAUNCH"), 1);
  CHECK(world.has("replaces=web.1"));
}

TEST(leases_longer_than_failover_are_waited_for) {
  World world = with_web({"w1", "w2"});
  world.run("launch web --singleton --lease 60s --restart always");
  world.answer("w1", "LAUNCH", "OK pid=7 run=1");
  world.take();
  world.pass(20'000, {"w2"});
  CHECK(world.has("record INSTANCE instance=web.2"));
  CHECK_EQ(world.count("w2> LAUNCH"), 0);
  CHECK(world.state_of("web.2").find("waits until the lease of web.1 ends") != std::string::npos);
  // 60 s and a margin of 4 s.
  world.pass(35'000, {"w2"});
  CHECK_EQ(world.count("w2> LAUNCH"), 0);
  world.pass(20'000, {"w2"});
  CHECK_EQ(world.count("w2> LAUNCH"), 1);
}

TEST(leases_of_a_master_before_this_one_count) {
  World world = with_web({"w1", "w2"});
  world.run("launch web --singleton --lease 60s --restart always");
  world.answer("w1", "LAUNCH", "OK pid=7 run=1");
  world.restart();
  world.join("w2");
  world.pass(50'000, {"w2"});
  CHECK_EQ(world.count("w2> LAUNCH"), 0);
  world.pass(25'000, {"w2"});
  CHECK_EQ(world.count("w2> LAUNCH"), 1);
}

TEST(leases_end_early_when_the_end_is_heard_of) {
  World world = with_web({"w1", "w2"});
  world.run("launch web --singleton --lease 60s --restart always");
  world.answer("w1", "LAUNCH", "OK pid=7 run=1");
  world.pass(20'000, {"w2"});
  world.take();
  world.open("w1");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=running run=1 pid=7");
  world.hear("w1", "SYNCED");
  CHECK_EQ(world.count("w1> STOP"), 1);
  world.hear("w1", "HEARTBEAT seq=1");
  CHECK_EQ(world.count("w1> LEASE"), 0);
  world.answer("w1", "STOP", "OK reason=stopped");
  CHECK_EQ(world.count("w2> LAUNCH"), 1);
}

TEST(leases_pass_through_one_that_never_began) {
  World world = with_web({"w1", "w2", "w3"});
  world.run("launch web --singleton --lease 120s --restart always");
  world.answer("w1", "LAUNCH", "OK pid=7 run=1");
  world.pass(20'000, {"w2", "w3"});
  CHECK(world.has("record INSTANCE instance=web.2"));
  const std::string second = world.cluster().state().instances.at("web.2").worker;
  const std::string third = second == "w2" ? "w3" : "w2";
  world.pass(20'000, {third});
  CHECK(world.has("record INSTANCE instance=web.3"));
  CHECK_EQ(world.count(third + "> LAUNCH"), 0);
  CHECK(world.state_of("web.3").find("the lease of web.1") != std::string::npos);
}

TEST(singleton_is_one) {
  World world = with_singleton();
  world.run(kSingleton);
  CHECK(world.has("ERR exists web.1 runs on w1, and web must not run twice; stop it first"));
  world.run("launch web");
  CHECK(world.has("ERR exists"));
  world.run("launch web --lease 5s");
  CHECK(world.has("ERR bad-arg --lease is for a --singleton"));
  world.run("launch web --singleton --count 2");
  CHECK(world.has("ERR bad-arg a --singleton is one: no --count"));
  world.run("launch web --singleton --lease 2s");
  CHECK(world.has("ERR bad-arg --lease must be 3s or more: 3 heartbeats"));
  CHECK_EQ(world.cluster().state().instances.size(), 1U);
}

TEST(singleton_does_not_begin_beside_a_foreign_instance_of_its_app) {
  World world = with_web({"w1", "w2"});
  world.close("w2");
  world.open("w2");
  world.hear("w2", "INSTANCE instance=web.7 desired=running state=running run=1 pid=9");
  world.hear("w2", "SYNCED");
  world.hear("w2", "HEARTBEAT seq=1");
  world.take();
  world.run(kSingleton);
  CHECK(
      world.has("#2 ERR busy web.7 on w2 is foreign and lives: web must not run twice; stop it "
                "first"));
  world.run("describe web.7");
  CHECK(
      world.has("#3 ERR not-found web.7 on w2 is foreign: no record of this master speaks of it, "
                "and it is left alone until 'stop' or 'kill' names it"));
  world.hear("w2", "INSTANCE instance=web.7 desired=running state=dead run=1");
  world.take();
  world.run(kSingleton);
  CHECK_EQ(world.count("w1> LAUNCH") + world.count("w2> LAUNCH"), 1);
}

TEST(singleton_of_a_forgotten_worker_may_still_live) {
  World world = with_web({"w1", "w2"});
  world.run("launch web --singleton --lease 5s --on w1");
  world.answer("w1", "LAUNCH", "OK pid=7 run=1");
  world.close("w1");
  world.pass(1000, {"w2"});
  world.run("workers forget w1");
  world.take();
  world.run(kSingleton);
  CHECK(world.has("ERR busy web.1 may still live: its lease ends in"));
  // The master that comes after knows no less; it cannot know how much of the lease is left.
  world.restart();
  world.join("w2");
  world.take();
  world.run(kSingleton);
  CHECK(world.has("ERR busy web.1 may still live: its lease ends in"));
  world.pass(7000, {"w2"});
  world.run(kSingleton);
  CHECK_EQ(world.count("w2> LAUNCH"), 1);
}

TEST(crashes_move_to_each_other_worker_once) {
  World world = with_web({"w1", "w2"});
  world.run("launch web --restart always");
  world.answer("w1", "LAUNCH", "OK pid=7 run=1");
  world.take();
  for (int run = 1; run <= 4; ++run) crash(world, "w1", "web.1", run);
  CHECK_EQ(world.count("record INSTANCE"), 0);
  crash(world, "w1", "web.1", 5);
  CHECK(world.has("record INSTANCE instance=web.2"));
  CHECK(world.has(" tried=w1 replaces=web.1"));
  CHECK(world.has("superseded_by=web.2"));
  // The old one is asked to end first.
  CHECK_EQ(world.count("w1> STOP"), 1);
  CHECK_EQ(world.count("w2> LAUNCH"), 0);
  CHECK_EQ(world.state_of("web.2"), "starting waits until web.1 has ended on w1");
  world.answer("w1", "STOP", "OK reason=stopped");
  CHECK_EQ(world.count("w2> LAUNCH"), 1);
  world.answer("w2", "LAUNCH", "OK pid=8 run=1");
  world.take();
  for (int run = 1; run <= 4; ++run) crash(world, "w2", "web.2", run);
  CHECK(!world.has(" slow="));
  // Nobody is left to try: it is told to take its time.
  for (int run = 5; run <= 9; ++run) crash(world, "w2", "web.2", run);
  CHECK(world.has("w2> ACK seq=5 slow=web.2"));
  CHECK(world.has("w2> ACK seq=9 slow=web.2"));
  CHECK_EQ(world.count("record INSTANCE"), 0);
  CHECK(world.state_of("web.2").starts_with("backoff"));
}

TEST(crashes_are_counted_in_a_row) {
  World world = with_web({"w1", "w2"});
  world.run("launch web --restart always");
  world.answer("w1", "LAUNCH", "OK pid=7 run=1");
  for (int run = 1; run <= 4; ++run) crash(world, "w1", "web.1", run);
  // A run that lived for a minute.
  world.hear("w1",
             "EXITED seq=5 instance=web.1 run=5 started_ms=1700000000000 "
             "ended_ms=1700000060000 exit_code=3 reason=exit%20code%203");
  world.take();
  for (int run = 6; run <= 9; ++run) crash(world, "w1", "web.1", run);
  world.restart();
  world.join("w2");
  world.open("w1");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=backoff run=9");
  world.hear("w1", "SYNCED");
  world.hear("w1", "HEARTBEAT seq=1");
  world.take();
  crash(world, "w1", "web.1", 10);
  CHECK(world.has("record INSTANCE instance=web.2"));
}

TEST(crashes_of_what_stays_move_nothing) {
  World world = with_web({"w1", "w2"});
  world.run("launch web --restart always --on w1");
  world.answer("w1", "LAUNCH", "OK pid=7 run=1");
  world.take();
  for (int run = 1; run <= 9; ++run) crash(world, "w1", "web.1", run);
  CHECK_EQ(world.count("record INSTANCE"), 0);
}

TEST(singleton_that_its_worker_has_lost_may_still_live) {
  World world = with_web({"w1", "w2"});
  world.run("launch web --singleton --lease 5s --on w1");
  world.answer("w1", "LAUNCH", "OK pid=7 run=1");
  world.open("w1");
  world.take();
  world.hear("w1", "SYNCED");
  CHECK(world.has("record LEASED instance=web.1 lease_ms=5000"));
  CHECK(world.has("record ENDED instance=web.1"));
  world.hear("w1", "HEARTBEAT seq=1");
  CHECK_EQ(world.count("w1> LEASE"), 0);
  for (const char* words : {kSingleton, "start web.1", "launch web"}) {
    world.take();
    world.run(words);
    CHECK(world.has("ERR busy web.1 may still live on w1: its lease ends in"));
  }
  world.pass(7500, {"w1", "w2"});
  CHECK(world.has("record LEASED instance=web.1 lease_ms=0"));
  CHECK(world.cluster().state().held.empty());
  world.run("start web.1");
  CHECK_EQ(world.count("w1> LAUNCH"), 1);
  // What it began is granted a lease like any other.
  world.answer("w1", "LAUNCH", "OK pid=8 run=2");
  world.take();
  world.hear("w1", "HEARTBEAT seq=9");
  CHECK(world.has("w1> LEASE beat=9 instance=web.1"));
}
