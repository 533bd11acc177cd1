// What the supervisor knows and no record of the agent's does: its journal was damaged and mended,
// or an old one was put back.
#include "tests/unit/agent_world.h"
#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;
using namespace dm::test;

namespace {

// A worker that has the app, and has forgotten web.1.
AgentWorld forgetful(const std::string& line) {
  AgentWorld world;
  world.join();
  world.restart();
  world.greet({line});
  world.welcome();
  return world;
}

std::string begin_of(const std::string& text, const std::string& line) {
  const std::size_t at = text.find(line);
  return at == std::string::npos ? text : text.substr(at, text.find('\n', at) - at);
}

}  // namespace

TEST(found_run_is_kept_and_reported) {
  AgentWorld world = forgetful(run_line("web.1", 2));
  CHECK_EQ(world.state_of("web.1"), "running run 2");
  CHECK_EQ(world.count("append INSTANCE instance=web.1 app=web restart=no"), 1);
  CHECK_EQ(world.count("append RUN instance=web.1 run=2"), 1);
  CHECK_EQ(world.count("lazy STARTED instance=web.1 run=2 pid=7 start=70"), 1);
  CHECK_EQ(world.count("say no record speaks of run 2 of web.1, "), 1);
  const std::string text = world.take();
  const std::string told = begin_of(text, "M> INSTANCE instance=web.1");
  CHECK(told.find(" desired=running state=running run=2 restarts=0 pid=7") != std::string::npos);
  CHECK_ORDER(text, "M> INSTANCE", "M> SYNCED");
  world.order("STOP id=1 instance=web.1");
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.1 run=2 signal=2 to=group"), 1);
  world.exit("web.1", kExit3);
  CHECK_EQ(world.count("M> EXITED seq=1 instance=web.1 run=2 pid=7"), 1);
  CHECK_EQ(world.count("M> OK id=1 reason=stopped"), 1);
  CHECK_EQ(world.count("spawn"), 0);
}

TEST(found_run_outlives_the_agent) {
  for (const bool shortened : {false, true}) {
    AgentWorld world = forgetful(run_line("web.1", 2));
    shortened ? world.restart_from_snapshot() : world.restart();
    CHECK_EQ(world.state_of("web.1"), "running run 2");
    const std::string snapshot = world.snapshot();
    world.restart_from_snapshot();
    CHECK_EQ(world.snapshot(), snapshot);
    world.take();
    world.greet({run_line("web.1", 2)});
    CHECK_EQ(world.count("append"), 0);
    // Its supervisor dies as well: the process is found again by its number.
    world.feed(SupervisorDown{});
    world.greet({}, "99");
    CHECK_EQ(world.count("S> ADOPT id=adopt/web.1/2 instance=web.1 run=2 pid=7 start=70"), 1);
    CHECK_EQ(world.count("spawn"), 0);
  }
}

TEST(found_run_that_ends_is_not_begun_again) {
  AgentWorld world = forgetful(run_line("web.1", 2));
  world.exit("web.1", kExit3);
  world.pass(100'000);
  world.restart();
  world.greet();
  CHECK_EQ(world.count("spawn"), 0);
  CHECK_EQ(world.state_of("web.1"), "dead run 2");
}

TEST(found_run_gets_its_spec_with_the_next_launch) {
  AgentWorld world = forgetful(run_line("web.1", 2));
  world.install("web");
  world.take();
  // Sent again by a master that never heard of the start: nothing is begun, the policy holds.
  world.order("LAUNCH id=1 " + launch_fields("web.1", "always", 2) + " arg=a");
  CHECK_EQ(world.count("M> OK id=1 run=2 pid=7"), 1);
  CHECK_EQ(world.count("append INSTANCE instance=web.1 app=web manifest="), 1);
  CHECK_EQ(world.count("spawn"), 0);
  world.restart();
  CHECK_EQ(world.state_of("web.1"), "running run 2");
  world.greet({run_line("web.1", 2)});
  world.exit("web.1", kExit3);
  CHECK_EQ(world.count("spawn web.1/3"), 1);
  CHECK(world.has(" arg=a "));
}

TEST(found_run_that_has_ended_is_started_with_its_spec) {
  AgentWorld world = forgetful(run_line("web.1", 2));
  world.install("web");
  world.order("KILL id=1 instance=web.1");
  world.exit("web.1", 9);
  world.take();
  world.order("LAUNCH id=2 " + launch_fields("web.1", "no", 3));
  CHECK_EQ(world.count("spawn web.1/3"), 1);
  CHECK(world.has("path=/r/apps/web/" + std::string(kManifest) + "/bin/web"));
  world.supervisor("OK id=web.1/3 pid=8");
  CHECK_EQ(world.count("M> OK id=2 pid=8 run=3"), 1);
  world.restart_from_snapshot();
  CHECK_EQ(world.state_of("web.1"), "running run 3");
}

TEST(found_end_is_reported) {
  const std::string end =
      "EXITED seq=4 instance=web.1 run=2 pid=7 started_ms=1700000000000 ended_ms=1700000001000 "
      "status=768 user_us=0 system_us=0 max_rss_bytes=0 left=";
  AgentWorld world = forgetful(end + "0");
  CHECK_EQ(world.state_of("web.1"), "dead run 2");
  CHECK_EQ(world.count("S> ACK seq=4"), 1);
  CHECK_EQ(world.count("M> EXITED seq=1 instance=web.1 run=2 pid=7 "), 1);
  CHECK(world.has("exit_code=3"));
  // What is left of its tree is ended as any other's.
  AgentWorld another = forgetful(end + "1 survivor=8:sh");
  CHECK_EQ(another.count("S> SIGNAL id=signal instance=web.1 run=2 signal=15 to=tree"), 1);
  another.supervisor("EMPTY instance=web.1 run=2");
  CHECK_EQ(another.count("M> EXITED seq=1 instance=web.1 run=2 pid=7 "), 1);
}

TEST(found_run_after_the_recorded_one_takes_its_place) {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  world.order("STOP id=1 instance=web.1");
  world.restart();
  world.take();
  world.greet({run_line("web.1", 3)});
  CHECK_EQ(world.state_of("web.1"), "running run 3");
  CHECK_EQ(world.count("lazy EXITED seq=1 instance=web.1 run=1 pid=7"), 1);
  CHECK(world.has("reason=exit%20status%20unknown"));
  // It was wanted when that run was begun; the master knows whether it is now.
  CHECK_EQ(world.count("append DESIRED instance=web.1 desired=running"), 1);
  CHECK_EQ(world.count("spawn") + world.count("S> "), 0);
  world.restart_from_snapshot();
  CHECK_EQ(world.state_of("web.1"), "running run 3");
  world.greet({run_line("web.1", 3)});
  world.exit("web.1", kExit3);
  CHECK_EQ(world.count("spawn web.1/4"), 1);
}

TEST(found_run_before_the_recorded_one_is_killed) {
  AgentWorld world;
  world.join();
  world.order("LAUNCH id=1 " + launch_fields("web.1", "no", 2));
  world.supervisor("OK id=web.1/2 pid=8");
  world.feed(SupervisorDown{});
  world.take();
  world.greet({run_line("web.1", 1), "RUN instance=web.1 run=2 pid=8"});
  CHECK_EQ(world.count("say run 1 of web.1 lives beside run 2"), 1);
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.1 run=1 signal=9 to=tree"), 1);
  CHECK_EQ(world.count("S> SIGNAL"), 1);
  world.supervisor("EXITED seq=3 instance=web.1 run=1 pid=7 status=9 left=0");
  CHECK_EQ(world.count("S> ACK seq=3"), 1);
  CHECK_EQ(world.state_of("web.1"), "running run 2");
}

TEST(mended_journal_begins_no_run_that_may_have_been) {
  for (const bool shortened : {false, true}) {
    AgentWorld world;
    world.join();
    world.order("LAUNCH id=1 " + launch_fields("web.1"));
    const std::size_t asked = world.journal().size();
    world.supervisor("OK id=web.1/1 pid=7 start=70");
    world.exit("web.1", 0);
    // Its start and its end are lost; the supervisor has forgotten it, since the end was recorded.
    world.mend(asked);
    if (shortened) world.restart_from_snapshot();
    world.take();
    world.greet();
    CHECK_EQ(world.count("spawn"), 0);
    CHECK_EQ(world.count("S> ADOPT id=adopt/web.1/1 instance=web.1 run=1"), 1);
    world.supervisor("ERR id=adopt/web.1/1 code=not-found msg=x");
    CHECK_EQ(world.state_of("web.1"), "dead run 1");
    CHECK_EQ(world.count("lazy EXITED seq=1 instance=web.1 run=1 "), 1);
    CHECK(world.has("reason=exit%20status%20unknown"));
    // What is asked from now on is asked again as ever.
    world.order("LAUNCH id=2 " + launch_fields("web.2"));
    world.feed(SupervisorDown{});
    world.take();
    world.greet();
    CHECK_EQ(world.count("spawn web.2/1"), 1);
  }
}

TEST(mended_journal_knows_from_an_end_that_its_run_was_begun) {
  AgentWorld world;
  world.join();
  world.run("web.1", "no");
  const Line ended = *parse_line("EXITED seq=1 instance=web.1 run=2 ended_ms=5 exit_code=0");
  REQUIRE(world.agent().replay(ended).has_value());
  CHECK_EQ(world.state_of("web.1"), "dead run 2");
  world.take();
  world.order("LAUNCH id=2 " + launch_fields("web.1", "no", 2));
  CHECK_EQ(world.count("spawn"), 0);
  CHECK_EQ(world.count("M> OK id=2 run=2"), 1);
}

TEST(found_run_of_no_instance_is_only_told_of) {
  AgentWorld world;
  world.join();
  for (const char* name : {"web", "web.0", "all.1", "../x.1"}) {
    world.take();
    world.supervisor(run_line(name, 1));
    world.supervisor("EXITED seq=9 instance=" + std::string(name) + " run=1 status=0 left=0");
    CHECK_EQ(world.count("append") + world.count("lazy"), 0);
    CHECK_EQ(world.count("S> ACK seq=9"), 1);
  }
  world.take();
  world.supervisor(run_line("web.1", 0));
  CHECK_EQ(world.state_of("web.1"), "none");
}

TEST(found_run_that_nobody_knows_makes_no_policy_spin) {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  world.exit("web.1", kExit3);
  const std::int64_t until = world.now.mono_ms + 20'000;
  int tries = 0;
  while (world.now.mono_ms < until) {
    if (world.take().find("spawn web.1/") != std::string::npos) {
      ++tries;
      const std::int64_t run = world.agent().instances().at("web.1").run;
      world.supervisor("ERR id=web.1/" + std::to_string(run) + " code=exists msg=run%201%20lives");
    }
    world.pass(10);
  }
  CHECK(tries >= 4 && tries <= 7);
}
