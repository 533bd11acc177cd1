// What becomes of the instances of a worker that is forgotten.
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

const std::string kMovable = " --restart always --on-lost move";
constexpr const char* kUnknown = "worker w1 was forgotten: exit status unknown";

}  // namespace

TEST(farewell_moves_what_was_to_move_and_says_where) {
  World world = with_web({"w1", "w2"});
  world.launch("web", "w1", kMovable);
  world.close("w1");
  const auto request = world.run("workers forget w1");
  const std::string head = "#" + std::to_string(request) + " ";
  CHECK(world.has(head + "out web.1 moves to w2 as web.2"));
  CHECK(world.has(head + "out web.1: " + kUnknown));
  CHECK(world.has(head + "out worker w1 is forgotten"));
  CHECK_EQ(world.count("w2> LAUNCH"), 1);
  CHECK(world.has("record ENDED instance=web.1 run=1 pid=77 started_ms=1700000000000"));
  CHECK_EQ(world.state_of("web.1"), "none");
}

TEST(farewell_records_an_end_of_what_stays_behind) {
  World world = with_web({"w1", "w2"});
  world.launch("web", "w1");
  world.launch("web", "w1");
  world.hear("w1", "EXITED seq=1 instance=web.2 run=1 exit_code=0 reason=exit%20code%200");
  world.close("w1");
  world.take();
  world.run("workers forget w1");
  CHECK_EQ(world.count("record ENDED instance=web.1 "), 1);
  CHECK_EQ(world.count("record ENDED"), 1);
  CHECK(world.print("events").find(std::string("web.1 on w1: ") + kUnknown) != std::string::npos);
}

TEST(farewell_moves_to_one_that_is_away_if_nobody_is_here) {
  World world = with_web({"w1", "w2"});
  world.launch("web", "w1", kMovable);
  world.close("w1");
  world.close("w2");
  world.pass(5000);
  world.run("workers forget w1");
  CHECK(world.has("out web.1 moves to w2 as web.2"));
  CHECK_EQ(world.count("w2> LAUNCH"), 0);
  world.join("w2");
  CHECK_EQ(world.count("w2> LAUNCH"), 1);
}

TEST(farewell_says_what_nobody_can_take) {
  World world = with_web({"w1"});
  world.launch("web", "w1", kMovable);
  world.close("w1");
  world.run("workers forget w1");
  CHECK(world.has("out web.1 was to move, and there is no worker that could take it"));
  CHECK(world.has(std::string("out web.1: ") + kUnknown));
  CHECK(world.has("out worker w1 is forgotten"));
}

TEST(farewell_of_a_singleton_waits_for_its_lease) {
  World world = with_web({"w1", "w2"});
  world.run("launch web --singleton --lease 5s --restart always");
  world.answer("w1", "LAUNCH", "OK pid=7 run=1");
  world.close("w1");
  world.take();
  world.run("workers forget w1");
  CHECK(world.has("out web.1 moves to w2 as web.2"));
  CHECK(world.has("record LEASED instance=web.1 lease_ms=5000"));
  world.restart();
  world.join("w2");
  world.pass(5000, {"w2"});
  CHECK_EQ(world.count("w2> LAUNCH"), 0);
  world.pass(7000, {"w2"});
  CHECK_EQ(world.count("w2> LAUNCH"), 1);
}

TEST(farewell_to_one_that_hangs_closes_its_session) {
  World world = with_web({"w1", "w2"});
  world.run("workers forget w1");
  CHECK(world.has("ERR busy worker w1 is connected"));
  world.pass(5000, {"w2"});
  world.run("workers forget w1");
  CHECK_EQ(world.count("w1 closed: worker w1 was forgotten"), 1);
  CHECK(world.has("out worker w1 is forgotten"));
  // What it still had to say is not heard.
  world.hear("w1", "HEARTBEAT seq=7");
  CHECK(!world.cluster().workers().contains("w1"));
}
