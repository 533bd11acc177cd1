// The agent's core: orders, runs, ends, policies; what a new session, a new supervisor and a new
// agent make of them.
#include "tests/unit/agent_world.h"
#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;
using namespace dm::test;

namespace {
constexpr int kBySigint = 2;
constexpr int kBySigkill = 9;
constexpr int kBySegv = 11 | 0x80;
}  // namespace

TEST(agent_tells_all_it_knows_before_it_takes_orders) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.feed(MasterDown{"reset"});
  world.exit("web.1", kExit3);
  world.take();
  world.welcome();
  const std::string text = world.take();
  CHECK(text.find("M> HELLO proto=1 name=w1 id=11111111111111111111111111111111") !=
        std::string::npos);
  CHECK_ORDER(text, "M> INFO os=Linux arch=x86_64 cpus=2", "M> EXITED seq=1");
  CHECK_ORDER(text, "M> EXITED seq=1 instance=web.1 run=1", "M> INSTANCE instance=web.1");
  CHECK_ORDER(text, "M> INSTANCE", "M> SYNCED");
}

TEST(agent_launch_is_on_disk_before_it_is_spawned_and_answered_with_its_pid) {
  AgentWorld world;
  world.join();
  world.order("LAUNCH id=1 " + launch_fields("web.1", "no") + " arg=-p arg=80 env=A=1");
  const std::string text = world.take();
  CHECK(text.find("append INSTANCE instance=web.1 app=web") == 0);
  CHECK_ORDER(text, "append RUN instance=web.1 run=1", "spawn web.1/1 SPAWN id=web.1/1");
  CHECK(text.find(" path=/r/apps/web/" + std::string(kManifest) + "/bin/web cwd=/r/work/web.1 ") !=
        std::string::npos);
  CHECK(text.find(" arg=-p arg=80 env=PATH=/bin env=HOME=/r/work/web.1 "
                  "env=TMPDIR=/r/work/web.1/tmp env=LANG=C.UTF-8 env=DM_APP=web "
                  "env=DM_INSTANCE=web.1 env=DM_RUN=1 env=DM_WORKER=w1 env=DM_VERSION=") !=
        std::string::npos);
  CHECK(text.find(" env=A=1 env=LD_LIBRARY_PATH=/r/apps/web/" + std::string(kManifest) + "/lib") !=
        std::string::npos);
  CHECK_EQ(world.count("M> OK"), 0);
  world.supervisor("OK id=web.1/1 pid=7 start=70 started_ms=5");
  CHECK(
      world.has("M> INSTANCE instance=web.1 desired=running state=running run=1 restarts=0 pid=7"));
  CHECK(world.has("M> OK id=1 pid=7 run=1"));
}

TEST(agent_launch_sent_again_happens_once) {
  AgentWorld world;
  world.join();
  const std::string order = launch_fields("web.1");
  world.order("LAUNCH id=1 " + order);
  world.order("LAUNCH id=1 " + order);
  world.order("LAUNCH id=2 " + order);
  world.supervisor("OK id=web.1/1 pid=7");
  CHECK_EQ(world.count("spawn"), 1);
  CHECK_EQ(world.count("M> OK id=1"), 1);
  CHECK_EQ(world.count("M> OK id=2"), 1);
  world.exit("web.1", 0);
  world.take();
  world.order("LAUNCH id=3 " + order);
  CHECK_EQ(world.take(), "M> OK id=3 run=1 pid=7\n");
  world.restart();
  world.join();
  world.order("LAUNCH id=4 " + order);
  CHECK_EQ(world.take(), "M> OK id=4 run=1 pid=7\n");
}

TEST(agent_launch_that_exec_refuses_is_answered_and_never_revived) {
  AgentWorld world;
  world.join();
  world.order("LAUNCH id=1 " + launch_fields("web.1", "always"));
  world.take();
  world.supervisor("ERR id=web.1/1 code=exec-failed errno=13 msg=Permission%20denied");
  const std::string text = world.take();
  CHECK(text.find("lazy EXITED seq=1 instance=web.1 run=1") == 0);
  CHECK(text.find("reason=exec%20failed:%20Permission%20denied") != std::string::npos);
  CHECK_ORDER(text, "append DESIRED instance=web.1 desired=stopped",
              "M> ERR id=1 code=exec-failed msg=Permission%20denied");
  CHECK_EQ(world.state_of("web.1"), "dead run 1");
  // The same answer over a restart, and no policy: it was answered with an error.
  world.restart();
  world.join();
  CHECK_EQ(world.state_of("web.1"), "dead run 1");
  world.order("LAUNCH id=2 " + launch_fields("web.1", "always"));
  CHECK_EQ(world.take(), "M> ERR id=2 code=exec-failed msg=Permission%20denied\n");
  world.order("LAUNCH id=3 " + launch_fields("web.1", "always", 2));
  CHECK_EQ(world.count("spawn web.1/2"), 1);
}

TEST(agent_launch_is_checked) {
  AgentWorld world;
  world.join();
  world.order("LAUNCH id=1 " + launch_fields("api.1"));
  CHECK(world.has("M> ERR id=1 code=not-found msg=version%20111111111111%20of%20api"));
  world.order("LAUNCH id=2 instance=web.1 app=api manifest=" + std::string(kManifest));
  world.order("LAUNCH id=3 instance=web.1 app=web manifest=12");
  world.order("LAUNCH id=4 " + launch_fields("web.1", "sometimes"));
  world.order("LAUNCH id=5 " + launch_fields("web.1") + " env==x");
  world.order("LAUNCH id=6 " + launch_fields("web.1", "no", 0));
  world.order("LAUNCH id=7 " + launch_fields("web.1", "no", 2'000'000'000));
  CHECK_EQ(world.count("M> ERR id="), 7);
  CHECK(world.agent().instances().empty());
  world.run("web.1");
  world.order("LAUNCH id=8 " + launch_fields("web.1", "no", 2));
  CHECK(world.has("M> ERR id=8 code=exists msg=web.1%20is%20running"));
}

TEST(agent_stop_interrupts_waits_and_kills) {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  world.order("STOP id=2 instance=web.1 timeout_ms=3000");
  CHECK_EQ(world.count("append DESIRED instance=web.1 desired=stopped"), 1);
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.1 run=1 signal=2 to=group"), 1);
  CHECK(world.has("desired=stopped state=stopping"));
  world.pass(2999);
  CHECK_EQ(world.count("S> SIGNAL"), 1);
  world.pass(1);
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.1 run=1 signal=9 to=tree"), 1);
  CHECK_EQ(world.count("M> OK"), 0);
  world.take();
  world.exit("web.1", kBySigkill);
  const std::string text = world.take();
  // Recorded, released, reported, and only then answered.
  const std::size_t recorded = text.find("lazy EXITED seq=1"), acked = text.find("S> ACK seq=1");
  const std::size_t told = text.find("M> EXITED seq=1");
  const std::size_t answered =
      text.find("M> OK id=2 reason=ignored%20SIGINT%20for%203%20s,%20killed%20by%20SIGKILL");
  CHECK(recorded < acked && acked < told && told < answered && answered != std::string::npos);
  CHECK_EQ(world.state_of("web.1"), "dead run 1");
}

TEST(agent_stop_that_may_not_kill_says_that_it_waits_in_vain) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.order("STOP id=2 instance=web.1 timeout_ms=500 no_kill=1");
  world.pass(500);
  CHECK(world.has("M> ERR id=2 code=timeout msg=web.1%20has%20not%20ended%20within%20500%20ms"));
  CHECK_EQ(world.count("S> SIGNAL"), 1);
  // A stricter one comes later.
  world.order("STOP id=3 instance=web.1 timeout_ms=500");
  world.pass(500);
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.1 run=1 signal=9"), 1);
  world.exit("web.1", kBySigint);
  CHECK(world.has("M> OK id=3 reason=stopped%20by%20operator:%20SIGINT,%20killed%20by%20SIGINT"));
}

TEST(agent_of_two_stops_the_stricter_counts) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.order("STOP id=2 instance=web.1 timeout_ms=5000");
  world.order("STOP id=3 instance=web.1 timeout_ms=100 no_kill=1");
  world.order("STOP id=4 instance=web.1 timeout_ms=1000");
  world.order("STOP id=4 instance=web.1 timeout_ms=1000");
  world.order("STOP id=5 instance=web.1 timeout_ms=9223372036854775807");
  CHECK_EQ(world.count("S> SIGNAL"), 1);
  world.pass(999);
  CHECK_EQ(world.count("S> SIGNAL"), 1);
  world.pass(1);
  CHECK_EQ(world.count("S> SIGNAL"), 2);
  world.exit("web.1", kBySigkill);
  for (const char* id : {"2", "3", "4", "5"})
    CHECK_EQ(world.count("M> OK id=" + std::string(id) + " reason=ignored%20SIGINT%20for%201%20s"),
             1);
}

TEST(agent_kill_ends_the_tree_at_once) {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  world.order("KILL id=2 instance=web.1");
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.1 run=1 signal=9 to=tree"), 1);
  world.exit("web.1", kBySigkill);
  CHECK(world.has("M> OK id=2 reason=killed%20by%20operator:%20SIGKILL"));
  CHECK_EQ(world.count("spawn"), 0);
  // Of what is dead: at once, again.
  world.take();
  world.order("KILL id=3 instance=web.1");
  world.order("STOP id=4 instance=web.1");
  CHECK_EQ(world.count("M> OK id=3 reason=killed%20by%20operator"), 1);
  CHECK_EQ(world.count("M> OK id=4 reason=killed%20by%20operator"), 1);
  world.order("STOP id=5 instance=web.9");
  CHECK(world.has("M> ERR id=5 code=not-found msg=no%20instance%20web.9%20on%20w1"));
}

TEST(agent_survivors_of_a_tree_get_term_then_kill_and_are_waited_for) {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  world.exit("web.1", kExit3, "left=2 survivor=8:sh survivor=9:sleep");
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.1 run=1 signal=15 to=tree"), 1);
  CHECK_EQ(world.count("lazy EXITED"), 0);
  world.order("STOP id=2 instance=web.1");
  world.pass(10'000);
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.1 run=1 signal=9 to=tree"), 1);
  CHECK_EQ(world.count("M> OK"), 0);
  world.supervisor("EMPTY instance=web.1 run=9");
  CHECK_EQ(world.count("M> OK"), 0);
  world.supervisor("EMPTY instance=web.1 run=1");
  CHECK(world.has(
      "reason=exit%20code%203;%20left%20behind%20and%20killed%20by%20SIGKILL%20after%2010%20s:%20"
      "sh%20(8),%20sleep%20(9)"));
  CHECK_EQ(world.count("M> OK id=2"), 1);
  CHECK_EQ(world.state_of("web.1"), "dead run 1");
}

TEST(agent_policies_restart_at_once_then_back_off) {
  AgentWorld world;
  world.join();
  world.run("web.1", "on-failure");
  world.exit("web.1", kBySegv);
  const std::string text = world.take();
  CHECK_ORDER(text, "lazy EXITED seq=1", "lazy RUN instance=web.1 run=2 restarts=1");
  CHECK_ORDER(text, "lazy RUN", "spawn web.1/2");
  CHECK(text.find("reason=killed%20by%20SIGSEGV%20(core%20dumped)") != std::string::npos);
  world.supervisor("OK id=web.1/2 pid=8 started_ms=" + std::to_string(world.now.wall_ms));
  world.exit("web.1", kExit3);
  CHECK_EQ(world.state_of("web.1"), "backoff run 2");
  CHECK(world.has("state=backoff run=2 restarts=1 retry_ms="));
  world.take();
  world.pass(749);
  CHECK_EQ(world.count("spawn"), 0);
  world.pass(501);
  CHECK_EQ(world.count("spawn web.1/3"), 1);
  world.supervisor("OK id=web.1/3 pid=9 started_ms=" + std::to_string(world.now.wall_ms));
  world.exit("web.1", 0);
  CHECK_EQ(world.state_of("web.1"), "dead run 3");
}

TEST(agent_waits_longest_with_what_has_nowhere_to_go) {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  world.exit("web.1", kExit3);
  world.order("ACK seq=1 slow=web.1");  // the next run has begun already
  CHECK_EQ(world.state_of("web.1"), "starting run 2");
  world.supervisor("OK id=web.1/2 pid=8 started_ms=" + std::to_string(world.now.wall_ms));
  world.exit("web.1", kExit3);
  world.take();
  world.order("ACK seq=1 slow=web.1");  // of an end before
  CHECK(!world.has("M> INSTANCE"));
  world.order("ACK seq=2 slow=web.1");
  CHECK(world.has("M> INSTANCE instance=web.1 desired=running state=backoff run=2"));
  world.take();
  world.pass(44'000);
  CHECK_EQ(world.count("spawn"), 0);
  world.pass(32'000);
  CHECK_EQ(world.count("spawn web.1/3"), 1);
  world.supervisor("OK id=web.1/3 pid=9 started_ms=" + std::to_string(world.now.wall_ms));
  world.exit("web.1", kExit3);
  world.take();
  world.pass(44'000);
  CHECK_EQ(world.count("spawn"), 0);
  world.order("STOP id=2 instance=web.1");
  world.order("ACK seq=3 slow=web.1");
  CHECK_EQ(world.state_of("web.1"), "dead run 3");
}

TEST(agent_launch_is_answered_with_the_run_that_it_began) {
  AgentWorld world;
  world.join();
  world.order("LAUNCH id=1 " + launch_fields("web.1", "always"));
  // It ended before anybody heard of its start; the policy has begun another run.
  world.exit("web.1", kExit3);
  CHECK(world.has("M> OK id=1 pid=7 run=1"));
  CHECK_EQ(world.count("spawn web.1/2"), 1);
  CHECK(world.has("lazy RUN instance=web.1 run=2"));
}

TEST(agent_stop_ends_a_back_off) {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  world.exit("web.1", kExit3);
  world.supervisor("OK id=web.1/2 pid=8");
  world.exit("web.1", kExit3);
  world.order("STOP id=2 instance=web.1");
  CHECK(world.has("M> OK id=2 reason=stopped%20before%20its%20next%20run;%20the%20last%20one:"));
  CHECK_EQ(world.state_of("web.1"), "dead run 2");
  world.take();
  world.pass(120'000);
  CHECK_EQ(world.count("spawn"), 0);
}

TEST(agent_reports_an_end_until_it_is_acknowledged) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.exit("web.1", kExit3);
  for (int i = 0; i < 2; ++i) {
    world.feed(MasterDown{"x"});
    world.take();
    world.welcome();
    CHECK_EQ(world.count("M> EXITED seq=1"), 1);
  }
  world.restart();
  world.greet();
  world.welcome();
  CHECK_EQ(world.count("M> EXITED seq=1"), 2);
  world.order("ACK seq=1");
  CHECK_EQ(world.count("lazy ACKED seq=1"), 1);
  world.order("ACK seq=1");
  world.order("ACK seq=9");
  CHECK_EQ(world.count("lazy ACKED"), 1);
  world.restart();
  world.take();
  world.greet();
  world.welcome();
  CHECK_EQ(world.count("M> EXITED"), 0);
}

TEST(agent_numbers_of_ends_are_never_used_twice) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.exit("web.1", kExit3);
  world.order("ACK seq=1");
  world.order("DELETE id=2 app=web");
  world.feed(Removed{"2", "web", std::nullopt});
  world.restart_from_snapshot();
  world.join();
  world.run("web.2");
  world.exit("web.2", kExit3);
  CHECK_EQ(world.count("M> EXITED seq=2"), 1);
}

TEST(agent_says_once_that_the_disk_is_nearly_full) {
  AgentWorld world;
  world.join();
  const auto sample = [&](std::int64_t free) {
    Sampled sampled;
    sampled.host.disk_free_bytes = free;
    sampled.host.disk_total_bytes = 1000;
    world.feed(sampled);
  };
  for (const std::int64_t free : {60, 49, 48, 55, 49}) sample(free);
  CHECK_EQ(world.count("say the disk of w1 is nearly full: 49 B of 1000 B are free"), 1);
  world.take();
  for (const std::int64_t free : {60, 40}) sample(free);
  CHECK_EQ(world.count("say the disk of w1 is nearly full"), 1);
}

TEST(agent_says_nothing_to_a_master_that_is_not_there) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.order("STOP id=2 instance=web.1");
  world.order("INSTALL id=3 app=api manifest=" + std::string(kManifest));
  world.feed(MasterDown{"x"});
  world.pass(1000);
  world.feed(MasterUp{});
  world.order("DM proto=1");
  world.take();
  // Between HELLO and WELCOME an answer would break the greeting.
  world.exit("web.1", 0);
  world.feed(Installed{{"3", "api", std::string(kManifest), "api"}, std::nullopt});
  CHECK_EQ(world.count("M> "), 0);
}

TEST(agent_stops_nothing_when_it_leaves) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.feed(Leave{});
  CHECK_EQ(world.take(), "M> BYE\nfinish leaving\n");
}

TEST(agent_says_that_it_will_be_back) {
  AgentWorld world;
  world.join();
  world.take();
  world.feed(Leave{true});
  CHECK_EQ(world.count("M> BYE stay=1"), 1);
}
