// The orders that wait for slow work: install, delete, logs; and those that are none.
#include "tests/unit/agent_world.h"
#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;
using namespace dm::test;

namespace {
const std::string kInstall = " app=api manifest=" + std::string(kManifest);
const InstallDone kDone{"1", "api", std::string(kManifest), "api", 2, 1, 30, 40};
}  // namespace

TEST(agent_install_sent_again_is_one_work_with_two_answers) {
  AgentWorld world;
  world.join();
  world.order("INSTALL id=1" + kInstall);
  world.order("INSTALL id=1" + kInstall);
  world.order("INSTALL id=2" + kInstall);
  CHECK_EQ(world.count("install 1 api"), 1);
  CHECK_EQ(world.count("install"), 1);
  world.feed(InstallProgress{"1", 5, 10});
  CHECK_EQ(world.count("M> PROGRESS id=1 done=5 total=10"), 1);
  CHECK_EQ(world.count("M> PROGRESS id=2 done=5 total=10"), 1);
  world.take();
  world.feed(Installed{kDone, std::nullopt});
  CHECK_EQ(world.take(), "append INSTALLED app=api manifest=" + std::string(kManifest) +
                             " exe=api\nM> OK id=1 sent=2 there=1 bytes=30 elapsed_ms=40\n"
                             "M> OK id=2 sent=2 there=1 bytes=30 elapsed_ms=40\n");
  world.feed(Installed{kDone, std::nullopt});
  CHECK_EQ(world.take(), "");
  world.order("INSTALL id=3" + kInstall);
  CHECK_EQ(world.count("install 3 api"), 1);
}

TEST(agent_install_that_fails_leaves_no_record) {
  AgentWorld world;
  world.join();
  world.order("INSTALL id=1" + kInstall);
  world.take();
  world.feed(Installed{kDone, fail(Code::kNoSpace, "disk full")});
  CHECK_EQ(world.take(), "M> ERR id=1 code=no-space msg=disk%20full\n");
  world.order("INSTALL id=2 app=../x manifest=" + std::string(kManifest));
  CHECK(world.has("M> ERR id=2 code=bad-arg"));
}

TEST(agent_delete_waits_for_what_lives_and_for_what_is_being_done) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.order("DELETE id=1 app=web");
  CHECK(world.has("M> ERR id=1 code=busy msg=web.1%20is%20running"));
  world.exit("web.1", 0);
  world.take();
  world.order("DELETE id=2 app=web");
  world.order("DELETE id=2 app=web");
  CHECK_EQ(world.count("remove 2 web 1"), 1);
  CHECK_EQ(world.count("remove"), 1);
  // Nothing begins in what is going.
  world.order("LAUNCH id=3 " + launch_fields("web.1", "no", 2));
  CHECK(world.has("M> ERR id=3 code=busy msg=web.1%20is%20being%20deleted"));
  world.order("INSTALL id=4 app=web manifest=" + std::string(kManifest));
  CHECK(world.has("M> ERR id=4 code=busy"));
  world.take();
  world.feed(Removed{"2", "web", std::nullopt});
  CHECK_EQ(world.take(), "append REMOVED app=web\nM> OK id=2\n");
  CHECK(world.agent().instances().empty());
  world.order("DELETE id=5 app=web");
  world.feed(Removed{"5", "web", std::nullopt});
  CHECK(world.has("M> OK id=5"));
  world.order("INSTALL id=6" + kInstall);
  world.order("DELETE id=7 app=api");
  CHECK(world.has("M> ERR id=7 code=busy msg=api%20is%20being%20installed"));
}

TEST(agent_forgets_what_ended_and_nothing_that_lives) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.order("FORGET id=1 instance=web.1");
  CHECK(world.has("M> ERR id=1 code=busy msg=web.1%20is%20running"));
  world.exit("web.1", 0);
  world.order("FORGET id=2 instance=web.1 instance=../web.2");
  CHECK(world.has("M> ERR id=2 code=bad-arg"));
  // Of what is not known, an interrupted removal may have left files.
  world.order("FORGET id=3 instance=web.1 instance=web.7");
  world.order("FORGET id=3 instance=web.1 instance=web.7");
  CHECK_EQ(world.count("forget 3 2"), 1);
  world.order("LAUNCH id=4 " + launch_fields("web.1", "no", 2));
  CHECK(world.has("M> ERR id=4 code=busy msg=web.1%20is%20being%20deleted"));
  world.take();
  world.feed(InstancesRemoved{"3", std::nullopt});
  CHECK_EQ(world.take(), "append FORGOTTEN instance=web.1 instance=web.7\nM> OK id=3\n");
  CHECK(world.agent().instances().empty());
  world.restart();
  CHECK(world.agent().instances().empty());
}

TEST(agent_forgets_nothing_whose_files_stay) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.exit("web.1", 0);
  world.order("FORGET id=1 instance=web.1");
  world.feed(InstancesRemoved{"1", fail(Code::kInternal, "no")});
  CHECK(world.has("M> ERR id=1 code=internal msg=no"));
  CHECK_EQ(world.agent().instances().size(), 1U);
  world.order("LAUNCH id=2 " + launch_fields("web.1", "no", 2));
  CHECK_EQ(world.count("spawn web.1/2"), 1);
}

TEST(agent_delete_that_fails_keeps_the_instances) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.exit("web.1", 0);
  world.order("DELETE id=1 app=web");
  world.feed(Removed{"1", "web", fail(Code::kInternal, "no")});
  CHECK(world.has("M> ERR id=1 code=internal msg=no"));
  CHECK_EQ(world.agent().instances().size(), 1U);
  world.order("LAUNCH id=2 " + launch_fields("web.1", "no", 2));
  CHECK_EQ(world.count("spawn web.1/2"), 1);
}

TEST(agent_logs_name_a_run_and_follow_only_the_living) {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  world.exit("web.1", 0);
  world.supervisor("OK id=web.1/2 pid=8");
  world.take();
  world.order("LOG id=1 instance=web.1");
  world.order("LOG id=2 instance=web.1 follow=1 lines=20");
  world.order("LOG id=3 instance=web.1 previous=1 follow=1");
  world.order("LOG id=4 instance=web.1 run=1 offset=-5");
  world.order("LOG id=5 instance=web.1 run=3");
  world.order("LOG id=6 instance=web.9");
  world.order("LOG id=7 instance=web.1 run=1 tail_bytes=65536");
  CHECK_EQ(world.take(),
           "stream 1 web.1/2 lines=-1 offset=0\nstream 2 web.1/2 lines=20 offset=0 follow\n"
           "stream 3 web.1/1 lines=-1 offset=0\nstream 4 web.1/1 lines=-1 offset=0\n"
           "M> ERR id=5 code=not-found msg=web.1%20has%20no%20run%203,%20it%20has%201%20to%202\n"
           "M> ERR id=6 code=not-found msg=no%20instance%20web.9%20on%20w1\n"
           "stream 7 web.1/1 lines=-1 offset=0 tail=65536\n");
  // Sent again after a new session: the stream goes on, on its own connection.
  world.order("LOG id=2 instance=web.1 follow=1 lines=20");
  CHECK_EQ(world.take(), "");
  world.exit("web.1", 0);
  CHECK_EQ(world.count("end streams web.1/2"), 1);
  world.take();
  world.feed(StreamEnded{"2", std::nullopt});
  world.feed(StreamEnded{"1", fail(Code::kLost, "cut")});
  CHECK_EQ(world.take(), "M> OK id=2\nM> ERR id=1 code=lost msg=cut\n");
  world.order("CANCEL id=3");
  CHECK_EQ(world.take(), "cancel stream 3\n");
}

TEST(agent_has_no_run_before_the_first) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.order("LOG id=1 instance=web.1 previous=1");
  CHECK(world.has("M> ERR id=1 code=not-found msg=web.1%20is%20in%20its%20first%20run,"));
}

TEST(agent_probe_names_all_that_is_missing) {
  AgentWorld world;
  world.join();
  world.order("PROBE id=1 lib=x");
  CHECK_EQ(world.take(), "probe 1\n");
  world.feed(Probed{"1", {}});
  world.feed(Probed{"2", {"lacks libx", "lacks liby"}});
  CHECK_EQ(world.take(),
           "M> OK id=1\nM> ERR id=2 code=exec-failed msg=lacks%20libx;%20lacks%20liby "
           "missing=lacks%20libx "
           "missing=lacks%20liby\n");
}

TEST(agent_usage_of_one_and_of_all) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  // Not measured yet: unknown is not 0.
  world.order("USAGE id=1");
  world.order("USAGE id=2 instance=web.1");
  CHECK_EQ(world.take(), "M> OK id=1\nM> OK id=2\n");
  Sampled sampled;
  sampled.host.children_user_ms = 5;
  sampled.host.children_reaped = 7;
  sampled.instances = {{"web.1", 7, 'R', 10, 20, 4096, {}}};
  world.feed(sampled);
  world.take();
  world.order("USAGE id=1");
  world.order("USAGE id=2 instance=web.1");
  CHECK_EQ(world.take(),
           "M> OK id=1 cpu_user_ms=5 cpu_system_ms=0 max_rss_bytes=0 reaped=7\n"
           "M> OK id=2 cpu_user_ms=10 cpu_system_ms=20 rss_bytes=4096 max_rss_bytes=4096\n");
}

TEST(agent_answers_what_is_no_order_but_never_an_answer) {
  AgentWorld world;
  world.join();
  world.order("FROBNICATE id=1");
  CHECK_EQ(world.take(), "M> ERR id=1 code=unknown-verb msg=no%20order%20FROBNICATE\n");
  world.order("ERR code=unknown-verb msg=no%20verb");
  CHECK_EQ(world.take(), "say the master says: no verb\n");
}

TEST(agent_is_bound_by_orders_that_change_something) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.feed(MasterDown{"reset"});
  world.exit("web.1", 0);
  world.welcome("WELCOME cluster=c1 epoch=7-old heartbeat_ms=1000 missed=2");
  world.take();
  world.order("LOG id=7-old.1 instance=web.1 run=1 tail_bytes=100");
  CHECK(!world.has("append CLUSTER"));
  world.order("STOP id=7-old.2 instance=web.1");
  CHECK(world.has("append CLUSTER id=c1 epoch=7-old"));
}

TEST(agent_says_that_it_stopped_one_between_two_runs) {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  for (int i = 0; i < 5 && !world.state_of("web.1").starts_with("backoff"); ++i) {
    world.exit("web.1", kExit3);
    const std::int64_t run = world.agent().instances().at("web.1").run;
    if (!world.state_of("web.1").starts_with("backoff"))
      world.supervisor("OK id=web.1/" + std::to_string(run) + " pid=7 start=70");
  }
  CHECK(world.state_of("web.1").starts_with("backoff"));
  world.take();
  world.order("STOP id=9 instance=web.1");
  CHECK(
      world.has("M> OK id=9 reason=stopped%20before%20its%20next%20run;%20the%20last%20one:%20"
                "exit%20code%203"));
  world.order("STOP id=10 instance=web.1");
  CHECK(world.has("M> OK id=10 reason=exit%20code%203"));
}

TEST(agent_tells_which_ends_are_followed_by_no_run) {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  world.exit("web.1", 0, "left=0 all_stopped=1");
  CHECK(world.has("M> EXITED seq=1 "));
  CHECK(world.has(" last=1"));
}
