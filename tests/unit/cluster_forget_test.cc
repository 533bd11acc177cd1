// Instances that ended long ago: which go, when, and what happens meanwhile.
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

constexpr int kKept = 100, kSlack = 10;  // of ClusterOptions

// web.1 to web.COUNT, each of them launched on w1 and ended, in this order.
void end_many(World& world, int count) {
  for (int i = 1; i <= count; ++i) {
    const std::string name = world.launch("web", "w1");
    const std::string end = "EXITED seq=" + std::to_string(i) + " instance=" + name +
                            " run=1 exit_code=0 reason=exit%20code%200 ended_ms=";
    world.hear("w1", end + std::to_string(1'000'000 + i));
    world.hear("w1", "INSTANCE instance=" + name + " desired=running state=dead run=1 restarts=0");
  }
  world.take();
}

}  // namespace

TEST(forget_leaves_the_latest_of_an_app) {
  World world = with_web({"w1"});
  end_many(world, kKept + kSlack);
  world.pass(10'000, {"w1"});
  CHECK_EQ(world.count("w1> FORGET"), 0);
  const std::string living = world.launch("web", "w1");
  world.hear("w1", "EXITED seq=111 instance=" + living + " run=1 exit_code=0 ended_ms=2000000");
  world.hear("w1", "INSTANCE instance=" + living + " desired=running state=dead run=1 restarts=0");
  world.pass(10'000, {"w1"});
  CHECK_EQ(world.count("w1> FORGET"), 1);
  CHECK(world.has(" instance=web.1 instance=web.2 "));
  CHECK(!world.has("instance=web.12 "));
  CHECK_EQ(world.state_of("web.1"), "dead exit code 0");  // until its worker has done so
  world.take();
  world.answer("w1", "FORGET", "OK");
  CHECK(world.has("record FORGOTTEN instance=web.1 instance=web.2"));
  CHECK(world.print("events -n 1").find("(--keep-ended 100): web.[1-11]; 'history' has") !=
        std::string::npos);
  CHECK_EQ(static_cast<int>(world.cluster().state().instances.size()), kKept);
  CHECK(!world.cluster().state().instances.contains("web.11"));
  world.run("describe web.3");
  CHECK(world.has("ERR not-found web.3 is gone; 'history web.3'"));
  world.take();
  world.restart();
  CHECK_EQ(static_cast<int>(world.cluster().state().instances.size()), kKept);
  CHECK_EQ(world.cluster().state().apps.at("web").next_number, 112);
}

TEST(forget_spares_what_lives_or_was_started_meanwhile) {
  World world = with_web({"w1"});
  const std::string living = world.launch("web", "w1");
  REQUIRE(living == "web.1");
  for (int i = 2; i <= kKept + kSlack + 2; ++i) {
    const std::string name = world.launch("web", "w1");
    const std::string number = std::to_string(i);
    world.hear("w1", "EXITED seq=" + number + " instance=" + name + " run=1 ended_ms=" + number);
    world.hear("w1", "INSTANCE instance=" + name + " desired=running state=dead run=1 restarts=0");
  }
  world.take();
  world.pass(5000, {"w1"});
  CHECK_EQ(world.count("w1> FORGET"), 1);
  CHECK(!world.has("FORGET id=e1.1 instance=web.1 "));
  world.run("start web.2");
  world.answer("w1", "FORGET", "OK");
  CHECK(world.has("record FORGOTTEN instance=web.3 "));
  CHECK(world.cluster().state().instances.contains("web.1"));
  CHECK(world.cluster().state().instances.contains("web.2"));
}

TEST(forget_waits_for_a_worker_that_is_away_and_asks_again_after_a_refusal) {
  World world = with_web({"w1"});
  end_many(world, kKept + kSlack + 1);
  world.close("w1");
  world.pass(60'000);
  CHECK_EQ(world.count("w1> FORGET"), 0);
  world.join("w1");
  world.take();
  world.pass(5000, {"w1"});
  CHECK_EQ(world.count("w1> FORGET"), 1);
  world.answer("w1", "FORGET", "ERR code=busy msg=web.1%20is%20running");
  CHECK(!world.has("record FORGOTTEN"));
  world.take();
  world.pass(60'000, {"w1"});
  CHECK_EQ(world.count("w1> FORGET"), 0);
  world.join("w1");
  world.take();
  world.pass(5000, {"w1"});
  CHECK_EQ(world.count("w1> FORGET"), 1);
}
