// launch and start: who gets it, what must be there first, what becomes of a launch that fails.
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

TEST(launch_is_recorded_before_the_worker_hears_of_it) {
  World world = with_web({"w1"});
  world.run("launch web --env A=1 --env B= --restart always -- -p '80 81'");
  const std::string text = world.take();
  CHECK(text.find("record ASKED n=") == 0);
  CHECK_ORDER(text, "record INSTANCE instance=web.1 app=web", "w1> LAUNCH");
  CHECK(text.find("w1> LAUNCH id=e.3 instance=web.1 app=web manifest=") != std::string::npos);
  CHECK(text.find(" run=1 restart=always arg=-p arg=80%2081 env=A=1 env=B=\n") !=
        std::string::npos);
  CHECK_EQ(world.state_of("web.1"), "starting");
  world.answer("w1", "LAUNCH", "OK pid=4711 run=1");
  CHECK(world.has("#2 out web.1 w1 4711"));
  CHECK_EQ(world.count("#2 OK"), 1);
  CHECK_EQ(world.state_of("web.1"), "running");
  CHECK(world.print("events").find("launched  web.1 runs on w1, pid 4711") != std::string::npos);
}

TEST(launch_installs_first_what_is_missing) {
  World world = with_web({"w1"});
  world.join("w2");
  world.run("launch web --on w2 --count 2");
  CHECK_EQ(world.count("w2> PROBE"), 1);
  CHECK_EQ(world.count("w2> LAUNCH"), 0);
  world.answer("w2", "PROBE", "OK");
  world.answer("w2", "INSTALL", "OK");
  CHECK_EQ(world.count("w2> LAUNCH"), 2);
  world.hear("w2", "OK id=e.5 pid=1 run=1");
  world.hear("w2", "OK id=e.6 pid=2 run=1");
  CHECK_EQ(world.count("#2 OK"), 1);
}

TEST(launch_of_a_file_registers_it_first) {
  World world;
  world.join("w1");
  world.run_with_files("launch ./web", "web");
  CHECK(world.has("record VERSION app=web"));
  CHECK(world.has("record INSTANCE instance=web.1"));
  CHECK_EQ(world.count("w1> PROBE"), 1);
}

TEST(launch_that_nobody_can_take_leaves_no_trace) {
  World world;
  world.run_with_files("launch ./web", "web");
  CHECK(world.has("#1 ERR busy no worker can take web: none has connected yet"));
  CHECK(!world.has("record VERSION"));
  world.join("w1", "HEARTBEAT seq=1 cpu=96 mem_used=1 mem_total=2");
  world.run_with_files("launch ./web", "web");
  CHECK(world.has("#2 ERR busy no worker can take web: every one is above 95 %"));
  world.hear("w1", "HEARTBEAT seq=2 cpu=1 disk_free=1000");
  world.run_with_files("launch ./web", "web");
  CHECK(world.has("w1 is disk nearly full (1000 B free)"));
  world.run("launch nosuch");
  CHECK(world.has("#4 ERR not-found no app named nosuch"));
  CHECK(world.cluster().state().instances.empty());
}

TEST(launch_spreads_a_burst_over_the_least_loaded) {
  World world;
  world.join("w1", "HEARTBEAT seq=1 cpu=50 mem_used=50 mem_total=100");
  world.join("w2", "HEARTBEAT seq=1 cpu=10 mem_used=10 mem_total=100");
  world.join("w3", "HEARTBEAT seq=1 cpu=10 mem_used=10 mem_total=100");
  world.install("web", {"w1", "w2", "w3"});
  world.run("launch web --count 4");
  // 10 %, then each placed one counts as a busy processor: w2 w3, then 50 %: w1, then w2 again.
  const auto& instances = world.cluster().state().instances;
  CHECK_EQ(instances.at("web.1").worker, "w2");
  CHECK_EQ(instances.at("web.2").worker, "w3");
  CHECK_EQ(instances.at("web.3").worker, "w1");
  CHECK_EQ(instances.at("web.4").worker, "w2");
}

TEST(launch_on_goes_where_it_is_told_but_not_to_the_lost) {
  World world = with_web({"w1", "w2"});
  world.run("launch web --on w2");
  CHECK_EQ(world.cluster().state().instances.at("web.1").worker, "w2");
  CHECK(world.cluster().state().instances.at("web.1").pinned);
  world.pass(3000, {"w2"});
  world.take();
  world.run("launch web --on w1");
  CHECK(world.has("ERR lost worker w1 is lost"));
  world.run("launch web --on nosuch");
  CHECK(world.has("ERR not-found no worker named nosuch"));
  CHECK_EQ(world.cluster().state().instances.size(), 1U);
}

TEST(launch_that_exec_refused_is_withdrawn) {
  World world = with_web({"w1"});
  world.run("launch web --restart always");
  world.hear("w1",
             "EXITED seq=1 instance=web.1 run=1 ended_ms=1700000000000 failed=exec-failed "
             "reason=exec%20failed:%20Permission%20denied");
  world.answer("w1", "LAUNCH", "ERR code=exec-failed msg=Permission%20denied");
  CHECK(world.has("record DESIRED instance=web.1 desired=stopped"));
  CHECK(world.has("#2 ERR exec-failed exec failed: Permission denied"));
  CHECK_EQ(world.count("record ENDED"), 1);
  CHECK_EQ(world.state_of("web.1"), "dead exec failed: Permission denied");
}

TEST(launch_given_up_is_stopped_should_it_come_true) {
  World world = with_web({"w1"});
  world.run("launch web");
  world.pass(60'000, {"w1"});
  CHECK(world.has("#2 ERR timeout worker w1 does not answer"));
  CHECK_EQ(world.state_of("web.1"), "dead not launched: worker w1 does not answer");
  world.take();
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=running run=1 pid=9");
  CHECK_EQ(world.count("w1> STOP"), 1);
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=sleeping run=1 pid=9");
  CHECK_EQ(world.count("w1> STOP"), 1);
  world.hear("w1", "INSTANCE instance=web.1 desired=stopped state=stopping run=1 pid=9");
  world.answer("w1", "STOP", "OK reason=x");
  world.hear("w1", "INSTANCE instance=web.1 desired=stopped state=stopping run=1 pid=9");
  CHECK_EQ(world.count("w1> STOP"), 1);
}

TEST(launch_lost_on_the_way_is_withdrawn_and_ended_at_the_return) {
  World world = with_web({"w1"});
  world.run("launch web");
  world.close("w1");
  world.pass(2500);
  CHECK(world.has("#2 ERR lost worker w1 is lost"));
  CHECK_EQ(world.state_of("web.1"), "unknown not launched: worker w1 is lost");
  world.return_with("w1", "INSTANCE instance=web.1 desired=running state=running run=1 pid=9");
  CHECK_EQ(world.count("w1> LAUNCH"), 0);
  CHECK_EQ(world.count("w1> STOP"), 1);
}

TEST(launch_orders_keep_their_sequence_over_a_new_session) {
  World world = with_web({"w1"});
  world.close("w1");
  for (int i = 0; i < 12; ++i) world.run("launch web --on w1");
  world.run("stop web.9");
  world.open("w1");
  world.take();
  world.hear("w1", "SYNCED");
  const std::string text = world.take();
  // The stop was asked for after the launch; the other way round it would come to nothing.
  CHECK_ORDER(text, "LAUNCH id=e.11 instance=web.9", "STOP id=e.15 instance=web.9");
  CHECK_ORDER(text, "LAUNCH id=e.9 ", "LAUNCH id=e.10 ");
}

TEST(launch_a_failed_install_withdraws_all_that_waited) {
  World world = with_web({"w1"});
  world.join("w2");
  world.run("launch web --on w2 --count 2");
  world.answer("w2", "PROBE", "ERR code=bad-arg msg=lacks%20libx");
  CHECK(world.has("#2 note web.1: lacks libx"));
  CHECK(world.has("#2 note web.2: lacks libx"));
  CHECK(world.has("#2 ERR bad-arg 2 of 2 failed: lacks libx"));
  CHECK_EQ(world.state_of("web.2"), "dead not launched: lacks libx");
}

TEST(launch_stopped_while_its_files_travel_never_begins) {
  World world = with_web({"w1"});
  world.join("w2");
  world.run("launch web --on w2");
  world.run("stop web.1");
  world.answer("w2", "STOP", "ERR code=not-found msg=no%20instance");
  CHECK_EQ(world.count("#3 OK"), 1);
  world.answer("w2", "PROBE", "OK");
  world.answer("w2", "INSTALL", "OK");
  CHECK_EQ(world.count("w2> LAUNCH"), 0);
  CHECK(world.has("#2 ERR busy web.1 was stopped before it began"));
}

TEST(launch_names_are_never_used_twice) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  world.run("delete web --force");
  world.answer("w1", "STOP", "OK reason=x");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 reason=x");
  world.answer("w1", "DELETE", "OK");
  world.restart();
  world.join("w1");
  world.install("web", {"w1"});
  CHECK_EQ(world.launch("web", "w1"), "web.2");
}

TEST(launch_that_is_too_long_for_a_line_is_refused) {
  World world = with_web({"w1"});
  world.run("launch web -- " + std::string(65'000, 'x'));
  CHECK(world.has("#2 ERR bad-arg arguments and environment exceed 63 KiB"));
  CHECK(world.cluster().state().instances.empty());
}

TEST(start_is_the_next_run_of_a_dead_one) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  world.run("start web.1");
  CHECK(world.has("ERR busy web.1 runs already"));
  world.hear("w1", "EXITED seq=1 instance=web.1 run=3 exit_code=0 reason=exit%20code%200");
  world.take();
  world.run("start web.1 web.1");
  CHECK(world.has("record DESIRED instance=web.1 desired=running run=4"));
  CHECK_EQ(world.count("w1> LAUNCH"), 1);
  CHECK_EQ(world.state_of("web.1"), "starting");
  // A second one, before the first is answered.
  world.run("start web.1");
  CHECK(world.has("#5 ERR busy web.1 runs already"));
  world.answer("w1", "LAUNCH", "OK pid=5 run=4");
  CHECK(world.has("#4 out web.1 w1 5"));
  CHECK_EQ(world.state_of("web.1"), "running");
}

TEST(start_of_what_runs_after_all_withdraws_nothing) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=0 reason=exit%20code%200");
  world.run("start web.1");
  world.answer("w1", "LAUNCH", "ERR code=exists msg=web.1%20is%20sleeping");
  CHECK(world.has("ERR exists web.1 is sleeping"));
  CHECK(world.cluster().state().instances.at("web.1").desired == Desired::kRunning);
}

TEST(start_without_its_worker_or_its_version_is_refused) {
  World world = with_web({"w1"});
  world.run("start web.1");
  CHECK(world.has("ERR not-found no app or instance named web.1"));
  world.launch("web", "w1");
  world.pass(2500);
  world.run("start web.1");
  CHECK(world.has("ERR lost worker w1 is lost"));
  world.run("delete web");
  world.take();
  world.join("w1");
  world.hear("w1", "INSTANCE instance=web.1 state=dead run=1");
  world.run("start web.1");
  CHECK(world.has("ERR not-found its version of web was deleted"));
  CHECK(world.cluster().state().versions.empty());
}

TEST(start_of_one_whose_files_still_travel_forgets_nobody) {
  World world = with_web({"w1"});
  world.join("w2");
  world.run("launch web --on w2");
  world.run("stop web.1");
  CHECK_EQ(world.state_of("web.1"), "stopping");
  world.run("start web.1");
  CHECK(world.has("#4 ERR busy web.1 runs already"));
  world.answer("w2", "STOP", "ERR code=not-found msg=gone");
  CHECK_EQ(world.state_of("web.1"), "dead stopped before it began");
  world.run("start web.1");
  CHECK(world.has("#5 ERR busy an earlier launch of web.1 is still under way"));
  world.answer("w2", "PROBE", "OK");
  world.answer("w2", "INSTALL", "OK");
  CHECK_EQ(world.count("#2 ERR busy"), 1);
  world.run("start web.1");
  CHECK_EQ(world.count("w2> LAUNCH"), 1);
}

TEST(launch_given_up_that_is_seen_to_run_is_stopped_at_once) {
  World world = with_web({"w1"});
  world.run("launch web");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=running run=1 pid=9");
  world.pass(60'000, {"w1"});
  CHECK(world.has("#2 ERR timeout"));
  CHECK_EQ(world.count("w1> STOP"), 1);
}

TEST(start_is_told_once_and_of_who_typed_it) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=0 reason=exit%20code%200");
  const auto start = parse_invocation({"start", "web.1"});
  world.feed(Command{99, *start, {"bob", "unix"}, std::nullopt});
  // Its worker tells of the new run before it answers.
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=running run=2 pid=8");
  world.answer("w1", "LAUNCH", "OK pid=8 run=2");
  const std::string events = world.print("events");
  CHECK_EQ(events.find(" started "), std::string::npos);
  CHECK(events.find("launched  web.1 runs on w1, pid 8 (by bob") != std::string::npos);
  CHECK(world.print("describe web.1").find(" by ann") != std::string::npos);
}

TEST(start_is_told_by_the_next_master_too) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=0 reason=exit%20code%200");
  const auto start = parse_invocation({"start", "web.1"});
  world.feed(Command{99, *start, {"bob", "unix"}, std::nullopt});
  world.restart();
  world.open("w1");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=running run=2 pid=8");
  CHECK(world.print("events").find("web.1 runs on w1, pid 8 (by bob") != std::string::npos);
}
