// Which masters, and which orders of them, a worker obeys.
#include "tests/unit/agent_world.h"
#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;
using namespace dm::test;

TEST(agent_tells_a_master_that_it_does_not_obey_what_it_has_obeyed) {
  AgentWorld world;
  world.greet();
  world.welcome("WELCOME cluster=c1 epoch=5-aa heartbeat_ms=1000 missed=2");
  world.install("web");
  world.take();
  for (const char* epoch : {"3-bb", "5-bb"}) {
    world.feed(MasterDown{"gone"});
    world.welcome("WELCOME cluster=c1 epoch=" + std::string(epoch) + " heartbeat_ms=1000 missed=2");
    CHECK(world.has("M> INFO os=Linux"));
    CHECK(world.has(" epoch=5-aa"));
    CHECK(world.has("finish the master is not obeyed: its epoch " + std::string(epoch)));
    CHECK(!world.has("M> SYNCED"));
    world.take();
    // Until the connection has gone nothing it says counts, and nothing is said to it.
    world.order("STOP id=1 instance=web.1");
    world.pass(3000);
    CHECK(!world.has("M> "));
  }
}

TEST(agent_obeys_no_order_of_another_epoch) {
  AgentWorld world;
  world.greet();
  world.welcome("WELCOME cluster=c1 epoch=6-aa heartbeat_ms=1000 missed=2");
  world.install("web");
  world.take();
  for (const char* id : {"4-99.12", "6-ab.12"}) {
    world.order("LAUNCH id=" + std::string(id) + " " + launch_fields("web.1"));
    CHECK(world.has("M> ERR id=" + std::string(id) + " code=denied "));
    CHECK_EQ(world.state_of("web.1"), "none");
  }
  world.order("LAUNCH id=6-aa.13 " + launch_fields("web.1"));
  world.order("LAUNCH id=anything " + launch_fields("web.2"));
  CHECK_EQ(world.state_of("web.1"), "starting run 1");
  CHECK_EQ(world.state_of("web.2"), "starting run 1");
}

TEST(agent_is_bound_by_an_ack_before_it_forgets_the_end) {
  AgentWorld world;
  world.greet();
  world.welcome("WELCOME cluster=c1 epoch=5-aa heartbeat_ms=1000 missed=2");
  world.install("web");
  world.run("web.1");
  world.feed(MasterDown{"gone"});
  world.exit("web.1", 0);
  world.welcome("WELCOME cluster=c1 epoch=6-bb heartbeat_ms=1000 missed=2");
  world.take();
  world.order("ACK seq=1");
  world.order("ACK seq=1");
  CHECK_EQ(world.take(), "append CLUSTER id=c1 epoch=6-bb\nlazy ACKED seq=1\n");
  // A copy of the master's journal from before that start has not heard of this end.
  world.restart();
  world.greet();
  world.welcome("WELCOME cluster=c1 epoch=6-cc heartbeat_ms=1000 missed=2");
  CHECK(world.has(" epoch=6-bb"));
  CHECK(world.has("finish the master is not obeyed: its epoch 6-cc"));
}

TEST(agent_that_joins_another_cluster_belongs_to_it_at_once) {
  AgentWorld world;
  world.join();
  world.facts.join = true;
  world.restart();
  world.greet();
  world.take();
  world.welcome("WELCOME cluster=c2 epoch=1-aa heartbeat_ms=1000 missed=2");
  const std::string text = world.take();
  const std::size_t bound = text.find("append CLUSTER id=c2 epoch=1-aa\n");
  CHECK(bound != std::string::npos && bound < text.find("M> INFO"));
  CHECK(text.find("M> SYNCED") != std::string::npos);
  // Without the option it stays there.
  world.facts.join = false;
  world.restart();
  world.greet();
  world.welcome();
  CHECK(world.has("finish the master is not obeyed: it leads cluster c1"));
}
