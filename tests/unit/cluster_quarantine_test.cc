// What is moved no more, since its workers were lost one after the other; and what that is not.
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

constexpr const char* kWhy = "each of the last 3 workers that ran it was lost soon after";

// The worker that has web.N, and nobody else, is lost; the others are wK to w9.
void lose(World& world, int number, std::int64_t after_ms = 1000) {
  std::vector<std::string> others;
  for (int i = number + 1; i <= 9; ++i) others.push_back("w" + std::to_string(i));
  const std::string worker = "w" + std::to_string(number);
  std::vector<std::string> all = others;
  all.push_back(worker);
  world.pass(after_ms, all);
  world.close(worker);
  world.pass(14'000, others);
  const std::string name = "web." + std::to_string(number + 1);
  if (!world.cluster().state().instances.contains(name)) return;
  const std::string next = "w" + std::to_string(number + 1);
  world.answer(next, "LAUNCH", "OK pid=8 run=1");
  world.hear(next, "INSTANCE instance=" + name + " desired=running state=running run=1 pid=8");
}

World with_nine() {
  World world = with_web({"w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "w9"});
  world.launch("web", "w1", " --restart always --on-lost move");
  return world;
}

World quarantined() {
  World world = with_nine();
  for (int number = 1; number <= 4; ++number) lose(world, number);
  return world;
}

}  // namespace

TEST(quarantine_after_three_moves_each_followed_by_a_loss) {
  World world = with_nine();
  for (int number = 1; number <= 3; ++number) lose(world, number);
  CHECK_EQ(world.state_of("web.4"), "running");
  lose(world, 4);
  CHECK_EQ(world.state_of("web.5"), "none");
  CHECK_EQ(world.state_of("web.4"), std::string("unknown worker w4 lost, quarantined: ") + kWhy);
  world.restart();
  world.pass(5000);
  CHECK_EQ(world.state_of("web.4"), std::string("unknown worker w4 lost, quarantined: ") + kWhy);
}

TEST(quarantine_ends_with_a_good_life) {
  World world = with_nine();
  for (int number = 1; number <= 3; ++number) lose(world, number);
  // The fourth loss comes late, and the count begins anew.
  lose(world, 4, 70'000);
  for (int number = 5; number <= 6; ++number) lose(world, number);
  CHECK_EQ(world.state_of("web.7"), "running");
  CHECK_EQ(world.cluster().state().instances.at("web.7").moves, 3);
}

TEST(quarantine_counts_life_and_not_the_wait_before_it) {
  World world = with_web({"w1", "w2", "w3", "w4", "w5"});
  world.run("launch web --singleton --lease 80s --restart always");
  world.answer("w1", "LAUNCH", "OK pid=7 run=1");
  world.close("w1");
  world.pass(100'000, {"w2", "w3", "w4", "w5"});
  world.answer("w2", "LAUNCH", "OK pid=7 run=1");
  world.pass(1000, {"w2", "w3", "w4", "w5"});
  world.close("w2");
  world.pass(14'000, {"w3", "w4", "w5"});
  CHECK_EQ(world.cluster().state().instances.at("web.3").moves, 2);
}

TEST(quarantine_is_the_reason_of_the_end_and_stays_to_be_read) {
  World world = quarantined();
  world.return_with("w4", "INSTANCE instance=web.4 desired=running state=running run=1 pid=8");
  CHECK(world.has("w4> STOP"));
  CHECK(world.has("because=quarantined:%20each%20of%20the%20last%203%20workers"));
  world.hear("w4", "EXITED seq=1 instance=web.4 run=1 exit_code=0 reason=stopped");
  CHECK_EQ(world.state_of("web.4"), "dead stopped");
  const std::string described = world.print("describe web.4");
  CHECK(described.find("Quarantined") != std::string::npos);
  CHECK(described.find(kWhy) != std::string::npos);
}

TEST(quarantine_ends_with_a_start) {
  World world = quarantined();
  world.join("w4");
  world.hear("w4", "EXITED seq=1 instance=web.4 run=1 exit_code=0 reason=stopped");
  world.run("start web.4");
  world.answer("w4", "LAUNCH", "OK pid=9 run=2");
  CHECK(world.print("describe web.4").find("Quarantined") == std::string::npos);
  lose(world, 4);
  CHECK_EQ(world.cluster().state().instances.at("web.5").moves, 1);
}
