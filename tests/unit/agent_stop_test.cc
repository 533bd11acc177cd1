// What a stop promises about the whole tree, and what it says when it cannot keep that.
#include "tests/unit/agent_world.h"
#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;
using namespace dm::test;

TEST(agent_gives_the_whole_tree_the_time_of_a_stop) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.order("STOP id=s instance=web.1 timeout_ms=20000");
  world.exit("web.1", 0, "left=1 survivor=8:sh");
  world.pass(19'900);
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.1 run=1 signal=9 to=tree"), 0);
  world.pass(200);
  CHECK_EQ(world.count("S> SIGNAL id=signal instance=web.1 run=1 signal=9 to=tree"), 1);
  world.supervisor("EMPTY instance=web.1 run=1");
  CHECK(world.has("left%20behind%20and%20killed%20by%20SIGKILL%20after%2020%20s:%20sh%20(8)"));
}

TEST(agent_says_at_once_that_a_stop_is_not_permitted) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.order("STOP id=s instance=web.1 timeout_ms=20000");
  world.supervisor("ERR id=signal code=denied instance=web.1 run=1 msg=not%20permitted");
  CHECK_EQ(world.count("M> ERR id=s code=denied msg=web.1:%20not%20permitted"), 1);
}

TEST(agent_names_orphans_beside_the_end_of_a_stop) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.supervisor("ORPHANS count=1 orphan=9:sleep");
  world.order("STOP id=s instance=web.1 timeout_ms=20000");
  world.exit("web.1", 0);
  CHECK(world.has("not%20ended:%201%20process%20of%20no%20known%20run:%20sleep%20(9)"));
}
