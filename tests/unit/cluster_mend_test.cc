// What a master finishes that died in the middle, and what it tries again.
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

TEST(mend_finishes_a_launch_that_was_not_answered) {
  World world = with_web({"w1"});
  world.run("launch web");
  world.restart();
  world.take();
  world.join("w1");
  CHECK_EQ(world.count("w1> LAUNCH"), 1);
  CHECK(world.has("instance=web.1"));
  world.answer("w1", "LAUNCH", "OK pid=7 run=1");
  CHECK(world.has("record LAUNCHED instance=web.1 run=1"));
  CHECK_EQ(world.state_of("web.1"), "running");
}

TEST(mend_tells_of_a_launch_that_its_worker_had_begun) {
  World world = with_web({"w1"});
  world.run("launch web");
  world.restart();
  world.open("w1");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=running run=1 pid=7");
  world.hear("w1", "SYNCED");
  CHECK_EQ(world.count("w1> LAUNCH"), 1);  // of the master before
  CHECK(world.print("events").find("launched  web.1 runs on w1, pid 7 (by ") != std::string::npos);
  CHECK_EQ(world.cluster().state().instances.at("web.1").begun, 1);
  // Told once.
  world.open("w1");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=running run=1 pid=7");
  world.hear("w1", "SYNCED");
  const std::string events = world.print("events");
  CHECK_EQ(events.find("launched"), events.rfind("launched"));
}

TEST(mend_finishes_a_start_that_was_not_answered) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=0 reason=exit%20code%200");
  world.run("start web.1");
  world.restart();
  world.return_with("w1", "INSTANCE instance=web.1 desired=running state=dead run=1 restarts=0");
  CHECK(world.has("w1> LAUNCH"));
  CHECK(world.has("instance=web.1"));
  CHECK(world.has("run=2"));
}

TEST(mend_launches_nothing_twice_that_its_worker_has_lost) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  world.restart();
  world.take();
  world.join("w1");
  CHECK_EQ(world.count("w1> LAUNCH"), 0);
  CHECK_EQ(world.state_of("web.1"), "dead worker w1 has no record of it");
}

TEST(mend_tries_a_resumed_launch_again_that_found_no_space) {
  World world = with_web({"w1"});
  world.run("launch web");
  world.restart();
  world.join("w1");
  world.answer("w1", "LAUNCH", "ERR code=no-space msg=full");
  world.take();
  world.pass(5000, {"w1"});
  CHECK_EQ(world.count("w1> LAUNCH"), 1);
  world.answer("w1", "LAUNCH", "OK pid=7 run=1");
  world.take();
  world.pass(30'000, {"w1"});
  CHECK_EQ(world.count("w1> LAUNCH"), 0);
}

TEST(mend_begins_another_run_where_the_last_one_failed_unheard) {
  World world = with_web({"w1"});
  world.run("launch web --restart always");
  world.restart();
  world.open("w1");
  world.hear("w1", "INSTANCE instance=web.1 desired=stopped state=dead run=1 restarts=0");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 failed=no-space reason=disk%20full");
  world.take();
  world.hear("w1", "SYNCED");
  CHECK(world.has("record DESIRED instance=web.1 desired=running run=2"));
  CHECK(world.has("run=2 restart=always"));
}

TEST(mend_sends_a_delete_again_that_found_the_app_busy) {
  World world = with_web({"w1"});
  const auto request = world.run("delete web");
  world.answer("w1", "DELETE", "ERR code=busy msg=installing");
  CHECK(world.has("#" + std::to_string(request) + " ERR busy"));
  world.take();
  world.pass(5000, {"w1"});
  CHECK_EQ(world.count("w1> DELETE"), 1);
  world.answer("w1", "DELETE", "OK");
  CHECK(world.cluster().state().deletes.empty());
}

TEST(mend_deletes_also_what_arrived_unseen) {
  World world;
  world.join("w1");
  world.run_with_files("copy ./web", "web");
  world.answer("w1", "PROBE", "OK");
  CHECK(world.has("record INSTALLING app=web"));
  world.restart();
  world.join("w1");
  world.take();
  world.run("delete web");
  CHECK_EQ(world.count("w1> DELETE app=web") + world.count("w1> DELETE"), 1);
}

TEST(mend_of_a_launch_given_up_says_that_it_may_live) {
  World world = with_web({"w1"});
  world.run("launch web");
  world.pass(3000);
  CHECK(world.has("ERR lost"));
  world.run("stop web.1");
  CHECK(world.has("ERR lost worker w1 is lost: will be done when w1 returns"));
  world.open("w1");
  world.hear("w1", "SYNCED");
  world.hear("w1", "HEARTBEAT seq=1");
  world.take();
  world.run("stop web.1");
  CHECK(world.has("web.1 is dead already: not launched: worker w1 is lost"));
}

TEST(mend_of_a_stop_asks_a_worker_that_has_not_heard_of_it) {
  World world = with_web({"w1"});
  world.launch("web", "w1", " --restart on-failure");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=dead run=1 restarts=0");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=0 reason=exit%20code%200");
  world.pass(3000);
  world.run("stop web.1");
  world.take();
  // Its power may have failed, and the record of that end with it.
  world.run("stop web.1");
  CHECK(world.has("will be done when w1 returns"));
}

TEST(mend_begins_nothing_of_an_app_that_is_being_deleted) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  world.run("delete web --force");
  world.run("launch web");
  CHECK(world.has("ERR busy web is being deleted"));
  world.answer("w1", "STOP", "OK reason=stopped");
  CHECK_EQ(world.count("w1> DELETE"), 1);
}

TEST(mend_stop_of_an_app_reaches_what_might_be_revived) {
  World world = with_web({"w1"});
  world.launch("web", "w1", " --restart always");
  world.hear("w1", "INSTANCE instance=web.1 desired=stopped state=dead run=1 restarts=0");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 failed=no-space reason=disk%20full");
  world.run("stop web");
  CHECK(world.has("record DESIRED instance=web.1 desired=stopped"));
}

TEST(mend_start_beside_a_run_that_still_ends_changes_nothing) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  world.run("stop web.1");
  world.restart();
  world.run("start web.1");
  world.open("w1");
  world.hear("w1", "INSTANCE instance=web.1 desired=stopped state=stopping run=1 pid=77");
  world.hear("w1", "SYNCED");
  world.answer("w1", "LAUNCH", "ERR code=exists msg=web.1%20is%20stopping");
  CHECK(world.has("record DESIRED instance=web.1 desired=stopped kept_run=1"));
  world.hear("w1", "INSTANCE instance=web.1 desired=stopped state=dead run=1");
  CHECK_EQ(world.state_of("web.1").substr(0, 4), "dead");
}

TEST(mend_stops_what_waits_for_its_next_run) {
  World world = with_web({"w1"});
  world.launch("web", "w1", " --restart always");
  world.pass(3000);
  world.run("stop web.1");
  world.open("w1");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=backoff run=1 restarts=1");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 reason=exit%20status%20unknown");
  world.take();
  world.hear("w1", "SYNCED");
  CHECK_EQ(world.count("w1> STOP"), 1);
}

TEST(mend_stops_what_rests_and_is_still_wanted_there) {
  World world = with_web({"w1"});
  world.launch("web", "w1", " --restart on-failure");
  world.pass(3000);
  world.run("stop web.1");
  world.open("w1");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=dead run=1 restarts=0");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=0 reason=exit%20code%200");
  world.take();
  world.hear("w1", "SYNCED");
  CHECK_EQ(world.count("w1> STOP"), 1);
  world.answer("w1", "STOP", "OK reason=exit%20code%200");
  world.take();
  world.close("w1");
  world.open("w1");
  world.hear("w1", "INSTANCE instance=web.1 desired=stopped state=dead run=1 restarts=0");
  world.hear("w1", "SYNCED");
  CHECK_EQ(world.count("w1> STOP"), 0);
}

TEST(mend_sends_files_again_that_a_worker_has_lost) {
  World world = with_web({"w1"});
  const auto request = world.run("launch web");
  world.answer("w1", "LAUNCH", "ERR code=not-found msg=not%20installed%20here");
  CHECK(world.has("record UNINSTALLED app=web"));
  CHECK_EQ(world.count("w1> PROBE"), 1);
  world.answer("w1", "PROBE", "OK");
  world.answer("w1", "INSTALL", "OK");
  world.take();
  // Once: a worker that loses them again is believed.
  world.answer("w1", "LAUNCH", "ERR code=not-found msg=not%20installed%20here");
  CHECK(world.has("#" + std::to_string(request) + " ERR not-found"));
}
