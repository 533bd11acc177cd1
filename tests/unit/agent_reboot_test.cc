// After a boot of its machine a worker starts nothing before a master was heard, or none for a
// while.
#include "tests/unit/agent_world.h"
#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;
using namespace dm::test;

namespace {

// Rebooted, with an app that is to run; no master has been heard.
AgentWorld rebooted() {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  world.restart();
  world.take();
  world.feed(SupervisorUp{});
  world.supervisor("SUPERVISOR proto=1 boot=another pid=10");
  world.supervisor("SYNCED");
  return world;
}

}  // namespace

TEST(reboot_without_a_master_holds_apps_back_for_a_while) {
  AgentWorld world = rebooted();
  for (int second = 0; second < 29; ++second) {
    world.pass(1000);
    world.feed(MasterDown{"refused"});
  }
  CHECK_EQ(world.count("spawn"), 0);
  world.pass(1000);
  CHECK_EQ(world.count("spawn web.1/2"), 1);
}

TEST(reboot_and_a_master_that_refuses_start_nothing) {
  AgentWorld world = rebooted();
  world.pass(0);
  world.feed(MasterUp{});
  world.order("DM proto=1 nonce=0");
  world.order("ERR code=exists msg=another%20machine");
  world.feed(MasterDown{"refused"});
  world.pass(100'000);
  CHECK_EQ(world.count("spawn"), 0);
  world.feed(MasterDown{"no answer"});
  world.welcome();
  world.pass(0);
  CHECK_EQ(world.count("spawn web.1/2"), 1);
}

TEST(reboot_and_a_master_that_is_busy_begins_the_time_anew) {
  AgentWorld world = rebooted();
  world.pass(20'000);
  world.feed(MasterUp{});
  world.order("DM proto=1 nonce=0");
  world.order("ERR code=busy msg=later");
  world.feed(MasterDown{"refused"});
  world.pass(29'000);
  CHECK_EQ(world.count("spawn"), 0);
  world.pass(1000);
  CHECK_EQ(world.count("spawn web.1/2"), 1);
}

TEST(reboot_changes_nothing_for_an_agent_that_starts_again) {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  world.restart();
  world.greet({run_line("web.1", 1)});
  world.exit("web.1", kExit3);
  CHECK_EQ(world.count("spawn web.1/2"), 1);
}
