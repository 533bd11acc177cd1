// What an agent makes of a supervisor that it finds again, and of one that is new; over its own
// death too.
#include "tests/unit/agent_world.h"
#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;
using namespace dm::test;

namespace {

std::string exited_line(const std::string& instance, int run, const std::string& left = "0") {
  return "EXITED seq=1 instance=" + instance + " run=" + std::to_string(run) +
         " pid=7 started_ms=1700000000000 ended_ms=1700000001000 status=768 user_us=0 system_us=0 "
         "max_rss_bytes=0 left=" +
         left;
}

// The new supervisor finds nothing of all that it was asked to take over.
void refuse_all(AgentWorld& world) {
  for (const auto& [name, instance] : world.agent().instances())
    world.supervisor("ERR id=adopt/" + name + "/" + std::to_string(instance.run) +
                     " code=not-found msg=nothing%20of%20that%20run%20lives");
}

}  // namespace

TEST(reconcile_a_new_agent_takes_over_what_lives) {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  world.restart();
  world.greet({run_line("web.1", 1)});
  CHECK_EQ(world.state_of("web.1"), "running run 1");
  CHECK_EQ(world.count("spawn"), 0);
  CHECK_EQ(world.agent().instances().at("web.1").pid, 7);
}

TEST(reconcile_a_new_agent_hears_of_an_end_once) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.restart();
  world.take();
  world.greet({exited_line("web.1", 1)});
  CHECK_EQ(world.count("lazy EXITED seq=1 instance=web.1 run=1"), 1);
  CHECK(world.has("exit_code=3"));
  CHECK_EQ(world.count("S> ACK seq=1"), 1);
  // Recorded, but it died before the supervisor heard that.
  world.restart();
  world.take();
  world.greet({exited_line("web.1", 1)});
  CHECK_EQ(world.count("lazy EXITED"), 0);
  CHECK_EQ(world.count("S> ACK seq=1"), 1);
}

TEST(reconcile_a_policy_goes_on_where_the_last_agent_died) {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  world.restart();
  world.take();
  // It ended meanwhile: the next run is begun when the supervisor is ready to hear of it.
  world.greet({exited_line("web.1", 1)});
  CHECK_EQ(world.count("spawn web.1/2"), 1);
  world.supervisor("OK id=web.1/2 pid=8");
  CHECK_EQ(world.state_of("web.1"), "running run 2");
}

TEST(reconcile_stopped_stays_stopped_over_a_restart) {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  world.run("web.2", "always");
  world.order("STOP id=2 instance=web.1");
  world.exit("web.1", 0);
  world.order("STOP id=3 instance=web.2");
  world.restart();
  world.take();
  world.greet({run_line("web.2", 1)});
  CHECK_EQ(world.state_of("web.1"), "dead run 1");
  // The stop that the agent before it had begun is finished by this one.
  CHECK_EQ(world.state_of("web.2"), "stopping run 1");
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.2 run=1 signal=2 to=group"), 1);
  world.pass(10'000);
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.2 run=1 signal=9 to=tree"), 1);
  world.exit("web.2", 9);
  CHECK_EQ(world.count("spawn"), 0);
}

TEST(reconcile_a_spawn_that_got_lost_is_sent_again_to_the_same_supervisor) {
  AgentWorld world;
  world.join();
  world.order("LAUNCH id=1 " + launch_fields("web.1"));
  world.feed(SupervisorDown{});
  world.take();
  world.greet();
  CHECK_EQ(world.count("spawn web.1/1"), 1);
  world.supervisor("OK id=web.1/1 pid=7");
  CHECK_EQ(world.count("M> OK id=1 pid=7 run=1"), 1);
}

TEST(reconcile_with_a_new_supervisor_nobody_knows_how_it_ended) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.order("LAUNCH id=2 " + launch_fields("web.2"));
  world.feed(SupervisorDown{});
  world.take();
  world.greet({}, "99");
  CHECK(world.has("append SUPERVISOR id=b/99"));
  CHECK_EQ(world.count("S> ADOPT id=adopt/web.1/1 instance=web.1 run=1 pid=7 start=70 "
                       "started_ms=1700000000000"),
           1);
  CHECK_EQ(world.count("S> ADOPT id=adopt/web.2/1 instance=web.2 run=1"), 1);
  CHECK_EQ(world.count("say the supervisor is another one now: how the 2 apps that it takes over"),
           1);
  CHECK_EQ(world.count("lazy EXITED"), 0);
  refuse_all(world);
  CHECK(world.has("instance=web.1 run=1 pid=7"));
  CHECK(world.has("reason=exit%20status%20unknown"));
  CHECK_EQ(world.count("spawn"), 0);
  // What was just being started may have begun, or not: it is no success, and not tried twice.
  CHECK_EQ(world.count("M> ERR id=2 code=internal"), 1);
  CHECK_EQ(world.state_of("web.2"), "dead run 1");
  world.restart();
  world.greet({}, "99");
  world.welcome();
  world.take();
  world.order("LAUNCH id=3 " + launch_fields("web.2"));
  CHECK_EQ(world.count("M> ERR id=3 code=internal"), 1);
}

TEST(reconcile_a_policy_restarts_what_died_with_its_supervisor) {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  world.feed(SupervisorDown{});
  world.greet({}, "99");
  CHECK_EQ(world.count("spawn web.1/2"), 0);
  refuse_all(world);
  CHECK_EQ(world.count("spawn web.1/2"), 1);
}

TEST(adopt_what_lives_goes_on_under_a_new_supervisor) {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  world.feed(SupervisorDown{});
  world.take();
  world.greet({}, "99");
  world.supervisor("OK id=adopt/web.1/1 pid=7 start=70 started_ms=1700000000000");
  CHECK_EQ(world.state_of("web.1"), "running run 1");
  CHECK_EQ(world.count("spawn") + world.count("lazy EXITED"), 0);
  // The answer comes twice if the line was sent twice.
  world.take();
  world.supervisor("ERR id=adopt/web.1/1 code=not-found msg=x");
  CHECK_EQ(world.take(), "");
  world.supervisor(
      "EXITED seq=1 instance=web.1 run=1 pid=7 started_ms=1700000000000 ended_ms=1700000001000 "
      "unknown=1 left=0");
  CHECK_EQ(world.count("lazy EXITED seq=1 instance=web.1 run=1 pid=7"), 1);
  CHECK(world.has("reason=exit%20status%20unknown"));
  CHECK(!world.has("exit_code="));
  CHECK(!world.has("cpu_user_ms=0 cpu_system_ms=0 max_rss_bytes=0 reason="));
  CHECK_EQ(world.count("S> ACK seq=1"), 1);
  CHECK_EQ(world.count("spawn web.1/2"), 1);
}

TEST(adopt_with_a_new_agent_too_by_what_the_journal_says) {
  for (const bool shortened : {false, true}) {
    AgentWorld world;
    world.join();
    world.run("web.1");
    world.run("web.2");
    shortened ? world.restart_from_snapshot() : world.restart();
    world.take();
    world.greet({}, "99");
    CHECK_EQ(world.count("S> ADOPT id=adopt/web.1/1 instance=web.1 run=1 pid=7 start=70"), 1);
    CHECK_EQ(world.count("S> ADOPT id=adopt/web.2/1 instance=web.2 run=1 pid=7 start=70"), 1);
    CHECK_EQ(world.count("spawn"), 0);
    world.supervisor("OK id=adopt/web.1/1 pid=7 start=70 started_ms=1700000000000");
    // Dies again, with one of two taken over: nothing is spawned, the other is asked for again.
    shortened ? world.restart_from_snapshot() : world.restart();
    world.take();
    world.greet({run_line("web.1", 1)}, "99");
    CHECK_EQ(world.count("S> ADOPT id=adopt/web.2/1"), 1);
    CHECK_EQ(world.count("S> ADOPT id=adopt/web.1/1") + world.count("spawn"), 0);
  }
}

TEST(adopt_never_spawns_again_what_another_supervisor_was_asked_for) {
  AgentWorld world;
  world.join();
  world.order("LAUNCH id=1 " + launch_fields("web.1"));
  // The agent dies when it has met the new supervisor and before it could ask it anything.
  world.restart();
  world.feed(SupervisorUp{});
  world.supervisor("SUPERVISOR proto=1 boot=b pid=99");
  world.restart();
  world.take();
  world.greet({}, "99");
  CHECK_EQ(world.count("spawn"), 0);
  CHECK_EQ(world.count("S> ADOPT id=adopt/web.1/1 instance=web.1 run=1"), 1);
  CHECK(!world.has("pid="));
  world.supervisor("OK id=adopt/web.1/1 pid=8 start=80 started_ms=1700000000000");
  CHECK_EQ(world.state_of("web.1"), "running run 1");
}

TEST(adopt_finishes_what_was_being_stopped) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.run("web.2");
  world.order("STOP id=1 instance=web.1");
  world.feed(SupervisorDown{});
  world.order("KILL id=2 instance=web.2");
  world.take();
  world.greet({}, "99");
  world.supervisor("OK id=adopt/web.1/1 pid=7 start=70 started_ms=1700000000000");
  world.supervisor("OK id=adopt/web.2/1 pid=7 start=70 started_ms=1700000000000");
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.1 run=1 signal=2 to=group"), 1);
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.2 run=1 signal=9 to=tree"), 1);
  const std::string rest = " run=1 pid=7 ended_ms=1700000001000 unknown=1 left=0";
  world.supervisor("EXITED seq=1 instance=web.1" + rest);
  world.supervisor("EXITED seq=2 instance=web.2" + rest);
  CHECK(
      world.has("M> OK id=1 reason=stopped%20by%20operator:%20SIGINT,%20exit%20status%20unknown"));
  CHECK(
      world.has("M> OK id=2 reason=killed%20by%20operator:%20SIGKILL,%20exit%20status%20unknown"));
}

TEST(adopt_nothing_by_number_after_a_reboot) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.run("web.2", "always");
  world.restart();
  world.take();
  world.feed(SupervisorUp{});
  world.supervisor("SUPERVISOR proto=1 boot=another pid=10");
  world.supervisor("SYNCED");
  CHECK_EQ(world.count("S> ADOPT"), 0);
  CHECK_EQ(world.count("lazy EXITED seq=1 instance=web.1 run=1 pid=7"), 1);
  CHECK(world.has("reason=exit%20status%20unknown:%20worker%20rebooted"));
  CHECK_EQ(world.state_of("web.1"), "dead run 1");
  // This may be a copy of the machine, or its apps may have moved: the master is heard first.
  CHECK_EQ(world.count("spawn"), 0);
  CHECK_EQ(world.state_of("web.2"), "backoff run 1");
  world.welcome();
  CHECK(world.has("INSTANCE instance=web.2"));
  CHECK(!world.has("retry_ms="));
  world.pass(0);
  CHECK_EQ(world.count("spawn web.2/2"), 1);
  CHECK_EQ(world.count("spawn"), 1);
}

TEST(reconcile_what_was_asked_while_no_supervisor_was_there_is_done_by_the_next) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.run("web.2");
  world.feed(SupervisorDown{});
  world.order("LAUNCH id=1 " + launch_fields("web.3"));
  world.order("STOP id=2 instance=web.1 timeout_ms=100");
  world.order("KILL id=3 instance=web.2");
  CHECK_EQ(world.count("spawn") + world.count("S> "), 0);
  world.pass(100);
  world.greet({run_line("web.1", 1), run_line("web.2", 1)}, "10");
  CHECK_EQ(world.count("spawn web.3/1"), 1);
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.1 run=1 signal=9 to=tree"), 1);
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.2 run=1 signal=9 to=tree"), 1);
  world.exit("web.1", 9);
  world.exit("web.2", 9);
  CHECK_EQ(world.count("M> OK id=2"), 1);
  CHECK_EQ(world.count("M> OK id=3"), 1);
}

TEST(reconcile_survivors_are_asked_to_end_again) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.exit("web.1", kExit3, "left=1 survivor=8:sh");
  world.feed(SupervisorDown{});
  world.pass(10'000);
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.1 run=1 signal=9"), 0);
  world.greet({exited_line("web.1", 1, "1")});
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.1 run=1 signal=9"), 1);
  world.supervisor("EMPTY instance=web.1 run=1");
  CHECK_EQ(world.state_of("web.1"), "dead run 1");
  // The supervisor died while they drained: how the main process ended is known all the same.
  world.run("web.2");
  world.exit("web.2", kExit3, "left=1 survivor=8:sh");
  world.feed(SupervisorDown{});
  world.take();
  world.greet({}, "99");
  refuse_all(world);
  CHECK(world.has("instance=web.2 run=1"));
  CHECK(world.has("exit_code=3"));
}

TEST(adopt_survivors_of_a_run_whose_end_is_known) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.exit("web.1", kExit3, "left=1 survivor=8:sh");
  world.feed(SupervisorDown{});
  world.take();
  world.greet({}, "99");
  world.supervisor("OK id=adopt/web.1/1 pid=7 start=70 started_ms=1700000000000");
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.1 run=1 signal=15 to=tree"), 1);
  world.supervisor("EXITED seq=9 instance=web.1 run=1 pid=7 ended_ms=5 unknown=1 left=1");
  world.supervisor("EMPTY instance=web.1 run=1");
  CHECK(world.has("exit_code=3"));
  // Its number in the new supervisor, not in the old one: there that is another run's.
  CHECK_EQ(world.count("S> ACK seq=9"), 1);
  CHECK_EQ(world.count("S> ACK"), 1);
}

TEST(reconcile_one_stopped_before_it_was_ever_sent_has_not_begun) {
  AgentWorld world;
  world.join();
  world.feed(SupervisorDown{});
  world.order("LAUNCH id=1 " + launch_fields("web.1"));
  world.order("STOP id=2 instance=web.1");
  world.greet();
  CHECK_EQ(world.count("M> ERR id=1 code=busy msg=it%20was%20stopped%20before%20it%20began"), 1);
  CHECK_EQ(world.count("M> OK id=2 reason=exec%20failed"), 1);
  CHECK_EQ(world.count("spawn"), 0);
}

TEST(reconcile_late_and_foreign_answers_change_nothing) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.supervisor("ERR id=web.1/1 code=exists msg=x");
  world.supervisor("OK id=web.9/1 pid=5");
  world.supervisor("OK id=web.1/2 pid=5");
  world.supervisor("OK id=signal");
  world.supervisor("ERR id=signal code=not-found msg=x");
  world.supervisor("EMPTY instance=web.1 run=1");
  world.supervisor("NONSENSE");
  CHECK_EQ(world.take(), "");
  CHECK(!world.agent().instances().at("web.1").exec_error);
  world.order("LAUNCH id=l " + launch_fields("web.2", "no", 2));
  world.take();
  world.supervisor("EXITED seq=4 instance=web.2 run=1 status=0");
  CHECK_EQ(world.take(), "S> ACK seq=4\n");
}

TEST(reconcile_a_failure_before_the_supervisor_is_one_of_exec) {
  AgentWorld world;
  world.join();
  world.order("LAUNCH id=1 " + launch_fields("web.1"));
  world.feed(SpawnFailed{"web.1", 1, fail(Code::kNoSpace, "open log: No space left on device")});
  CHECK(world.has("M> ERR id=1 code=no-space msg=open%20log:"));
  CHECK(world.has("reason=exec%20failed:%20open%20log"));
}

TEST(upgrade_is_asked_of_a_supervisor_of_another_build_once) {
  AgentWorld world;
  world.feed(SupervisorUp{});
  world.supervisor("SUPERVISOR proto=1 boot=b pid=10 build=other");
  CHECK_EQ(world.count("S> UPGRADE"), 0);
  world.supervisor("SYNCED");
  CHECK_EQ(world.count("S> UPGRADE id=upgrade"), 1);
  world.supervisor("ERR id=upgrade code=denied msg=/x%20may%20be%20written%20by%20others");
  CHECK_EQ(world.count("say the supervisor stays as it was: /x may be written by others"), 1);
  world.feed(SupervisorDown{});
  world.take();
  world.feed(SupervisorUp{});
  world.supervisor("SUPERVISOR proto=1 boot=b pid=10 build=other");
  world.supervisor("SYNCED");
  CHECK_EQ(world.count("S> UPGRADE"), 0);
  world.supervisor("OK id=upgrade version=9.9");
  CHECK_EQ(world.count("say the supervisor now is version 9.9"), 1);
}

TEST(upgrade_is_not_asked_of_the_same_build) {
  AgentWorld world;
  for (const char* greeting :
       {"SUPERVISOR proto=1 boot=b pid=10 build=ours", "SUPERVISOR proto=1 boot=b pid=10"}) {
    world.feed(SupervisorUp{});
    world.supervisor(greeting);
    world.supervisor("SYNCED");
  }
  CHECK_EQ(world.count("S> UPGRADE"), 0);
}
