// Singletons on a worker: no run without a lease, and a lease counts from a beat of our own.
#include "tests/unit/agent_world.h"
#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;
using namespace dm::test;

namespace {

constexpr int kBySigkill = 9;

std::string singleton(const std::string& restart = "always") {
  return launch_fields("web.1", restart) + " lease_ms=5000";
}

// Runs since 50 s; its lease ends at 55 s.
AgentWorld with_singleton() {
  AgentWorld world;
  world.join();
  world.order("LAUNCH id=1 " + singleton() + " beat=0");
  world.supervisor("OK id=web.1/1 pid=7 start=70 started_ms=5");
  world.take();
  return world;
}

void beat(AgentWorld& world) {
  world.feed(Tick{});
}

}  // namespace

TEST(agent_lease_counts_from_the_greeting_at_first) {
  AgentWorld world;
  world.join();
  world.pass(900);
  world.order("LAUNCH id=1 " + singleton() + " beat=0");
  CHECK(world.has("lease_until_ms=55000"));
  CHECK(world.has("append INSTANCE instance=web.1"));
  CHECK(world.has("lease_ms=5000"));
}

TEST(agent_launch_that_comes_after_its_lease_is_refused) {
  AgentWorld world;
  world.join();
  for (int second = 1; second <= 6; ++second) {
    world.now.mono_ms += 1000;
    beat(world);
    world.order("BEAT seq=" + std::to_string(second));
  }
  world.take();
  world.order("LAUNCH id=1 " + singleton() + " beat=0");
  CHECK(world.has("M> ERR id=1 code=busy"));
  world.order("LAUNCH id=2 " + singleton() + " beat=77");
  CHECK(world.has("M> ERR id=2 code=busy"));
  CHECK_EQ(world.count("spawn"), 0);
  world.order("LAUNCH id=3 " + singleton() + " beat=6");
  CHECK(world.has("lease_until_ms=61000"));
}

TEST(agent_lease_goes_to_the_supervisor) {
  AgentWorld world = with_singleton();
  world.now.mono_ms += 1000;
  beat(world);
  world.now.mono_ms += 700;
  world.take();
  world.order("LEASE beat=1 instance=web.1 instance=web.9");
  CHECK_EQ(world.take(), "S> LEASE instance=web.1 run=1 until_ms=56000\n");
  // Said again, or of an older beat: nothing new.
  world.order("LEASE beat=1 instance=web.1");
  world.order("LEASE beat=0 instance=web.1");
  CHECK_EQ(world.take(), "");
}

TEST(agent_lease_over_waits_for_the_next_one) {
  AgentWorld world = with_singleton();
  for (int second = 1; second <= 5; ++second) {
    world.now.mono_ms += 1000;
    beat(world);
    world.order("BEAT seq=" + std::to_string(second));
  }
  world.exit("web.1", kBySigkill, "lease_over=1");
  CHECK(world.has("its%20lease%20was%20over,%20no%20word%20from%20the%20master%20for%205%20s"));
  CHECK_EQ(world.count("spawn"), 0);
  world.pass(900);
  CHECK_EQ(world.count("spawn"), 0);
  CHECK_EQ(world.state_of("web.1").substr(0, 7), "backoff");
  world.order("LEASE beat=5 instance=web.1");
  world.pass(1);
  CHECK_EQ(world.count("spawn web.1/2"), 1);
}

TEST(agent_restart_within_the_lease_keeps_to_it) {
  AgentWorld world = with_singleton();
  world.now.mono_ms += 2000;
  world.exit("web.1", 3 << 8);
  CHECK(world.has("spawn web.1/2"));
  CHECK(world.has("lease_until_ms=55000"));
}

TEST(agent_started_anew_knows_of_no_lease) {
  AgentWorld world = with_singleton();
  world.restart();
  world.greet({"RUN instance=web.1 run=1 pid=7 start=70 started_ms=5"});
  world.exit("web.1", 3 << 8);
  CHECK_EQ(world.count("spawn"), 0);
  CHECK_EQ(world.state_of("web.1").substr(0, 7), "backoff");
}
