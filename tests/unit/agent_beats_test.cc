// What a worker measures, and when its master hears of it.
#include "tests/unit/agent_world.h"
#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;
using namespace dm::test;

TEST(agent_beats_in_time_however_slow_its_figures_are) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.pass(3000);  // nobody answers the sample that was asked for
  CHECK_EQ(world.count("sample 1"), 1);
  CHECK_EQ(world.count("M> HEARTBEAT seq="), 3);
  CHECK(!world.has("mem_total="));
  Sampled sampled;
  sampled.host.mem_total_bytes = 100;
  sampled.host.children_reaped = 12;
  sampled.instances = {{"web.1", 7, 'S', 10, 20, 4096, {}}};
  world.take();
  world.feed(sampled);
  CHECK(world.has("M> INSTANCE instance=web.1 desired=running state=sleeping"));
  CHECK(world.has("M> HEARTBEAT seq=4 "));
  CHECK(world.has(" mem_total=100 "));
  CHECK(world.has(" instances=1 "));
  CHECK(world.has(" children_reaped=12"));
  world.take();
  world.pass(1000);
  CHECK_EQ(world.count("M> HEARTBEAT"), 1);
  CHECK(world.has(" mem_total=100 "));
}

TEST(agent_reports_changes_only) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  Sampled sampled;
  sampled.instances = {{"web.1", 7, 'S', 10, 20, 4096, {}}};
  world.feed(sampled);
  CHECK_EQ(world.count("M> INSTANCE"), 1);
  CHECK(!world.has("cpu_percent"));  // that is between two samples
  world.take();
  world.now.mono_ms += 1000;
  world.feed(sampled);
  CHECK(world.has("cpu_percent=0.0 cpu_user_ms=10"));
  world.take();
  world.now.mono_ms += 1000;
  world.feed(sampled);
  CHECK_EQ(world.count("M> INSTANCE"), 0);
  // Of a run that has ended since.
  sampled.instances.front().pid = 6;
  sampled.instances.front().rss_bytes = 1;
  world.feed(sampled);
  CHECK_EQ(world.count("M> INSTANCE"), 0);
}

TEST(agent_measures_a_new_run_soon) {
  AgentWorld world;
  world.join();
  world.pass(0);
  world.feed(Sampled{});
  world.take();
  world.run("web.1");
  world.pass(60);
  CHECK_EQ(world.count("sample 1"), 1);
  CHECK_EQ(world.count("M> HEARTBEAT"), 0);
}
