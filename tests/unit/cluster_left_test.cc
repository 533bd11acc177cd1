// A worker that is stopped for a while, its machine staying up.
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

World with_app_on_w1(const std::string& more = "") {
  World world = with_web({"w1", "w2"});
  world.install("web", {"w1", "w2"});
  world.run("launch web --restart always" + more);
  for (const char* worker : {"w1", "w2"})
    if (!world.order(worker, "LAUNCH").empty()) world.answer(worker, "LAUNCH", "OK pid=7 run=1");
  return world;
}

std::string holder(World& world) {
  return world.cluster().state().instances.at("web.1").worker;
}

}  // namespace

TEST(left_one_that_stays_moves_nothing_for_ten_minutes) {
  World world = with_app_on_w1();
  const std::string worker = holder(world), other = worker == "w1" ? "w2" : "w1";
  world.hear(worker, "BYE stay=1");
  world.close(worker);
  CHECK(world.print("ps").find("unknown (" + worker + " left)") != std::string::npos);
  world.pass(300'000, {other});
  CHECK(!world.cluster().state().instances.contains("web.2"));
  // A master that starts meanwhile does not take it for lost.
  world.restart();
  world.join(other);
  world.pass(120'000, {other});
  CHECK(!world.cluster().state().instances.contains("web.2"));
  world.pass(200'000, {other});
  CHECK(world.cluster().state().instances.contains("web.2"));
}

TEST(left_any_other_goodbye_moves_as_ever) {
  World world = with_app_on_w1();
  const std::string worker = holder(world), other = worker == "w1" ? "w2" : "w1";
  world.hear(worker, "BYE");
  world.close(worker);
  world.pass(15'000, {other});
  CHECK(world.cluster().state().instances.contains("web.2"));
}

TEST(left_one_that_is_back_is_as_before) {
  World world = with_app_on_w1();
  const std::string worker = holder(world), other = worker == "w1" ? "w2" : "w1";
  world.hear(worker, "BYE stay=1");
  world.close(worker);
  world.return_with(worker, "INSTANCE instance=web.1 desired=running state=sleeping run=1 pid=7");
  world.hear(worker, "HEARTBEAT seq=1");
  CHECK_EQ(world.cluster().state().workers.at(worker).stays_since_ms, 0);
  // The next time it is simply lost.
  world.close(worker);
  world.pass(20'000, {other});
  CHECK(world.cluster().state().instances.contains("web.2"));
}

// Nobody renews its lease there, so it has ended.
TEST(left_a_singleton_moves_without_delay) {
  World world = with_app_on_w1(" --singleton");
  const std::string worker = holder(world), other = worker == "w1" ? "w2" : "w1";
  world.hear(worker, "BYE stay=1");
  world.close(worker);
  world.pass(60'000, {other});
  CHECK(world.cluster().state().instances.contains("web.2"));
}
