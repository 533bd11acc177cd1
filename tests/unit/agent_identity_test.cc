// A worker's identity: its secret is sent to a cluster once, on request.
#include "tests/unit/agent_world.h"
#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;
using namespace dm::test;

namespace {

constexpr std::string_view kEnroll =
    "WELCOME cluster=c1 epoch=1-a heartbeat_ms=1000 identity=enroll";
constexpr std::string_view kKnown = "WELCOME cluster=c1 epoch=1-a heartbeat_ms=1000 identity=known";

bool tells_secret(AgentWorld& world, std::string_view welcome) {
  world.feed(MasterDown{"cut"});
  world.take();
  world.welcome(welcome);
  return world.has(" identity=sealed");
}

}  // namespace

TEST(identity_is_told_to_a_master_until_it_knows_it) {
  AgentWorld world;
  world.greet();
  world.welcome("WELCOME cluster=c1 epoch=1-a heartbeat_ms=1000");
  CHECK(!world.has("identity="));
  CHECK(tells_secret(world, kEnroll));
  // Its answer may have been lost, or the master has died before it was on disk.
  CHECK(tells_secret(world, kEnroll));
  world.order("STOP id=1 instance=web.9");  // bound from here on
  CHECK(tells_secret(world, kEnroll));
  CHECK(!tells_secret(world, kKnown));
  CHECK(world.has("lazy CLUSTER id=c1 epoch=1-a enrolled=1"));
  // Whoever asks again has no right to.
  CHECK(!tells_secret(world, kEnroll));
  world.restart_from_snapshot();
  world.greet();
  CHECK(!tells_secret(world, kEnroll));
}

TEST(identity_is_told_to_another_cluster_that_it_joins) {
  AgentWorld world;
  world.greet();
  world.welcome(kKnown);
  world.order("STOP id=1 instance=web.9");
  CHECK(world.has("append CLUSTER id=c1 epoch=1-a enrolled=1"));
  world.facts.join = true;
  world.restart();
  world.greet();
  CHECK(tells_secret(world, "WELCOME cluster=c2 epoch=1-b heartbeat_ms=1000 identity=enroll"));
}

TEST(identity_says_which_boot_it_is) {
  AgentWorld world;
  world.facts.boot_id = "b-7";
  world.restart();
  world.greet();
  world.welcome(kKnown);
  CHECK(world.has("M> HELLO proto=1 name=w1 id=11111111111111111111111111111111 boot=b-7"));
}
