// A worker that comes, goes and tells without end: so much is written of it, the rest is counted.
#include <algorithm>

#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

std::size_t events_of(World& world) {
  const std::string events = world.print("events -n 10000");
  return static_cast<std::size_t>(std::count(events.begin(), events.end(), '\n'));
}

std::string exited(std::int64_t seq, const std::string& instance = "no.1") {
  return "EXITED seq=" + std::to_string(seq) + " instance=" + instance + " run=1 reason=x";
}

}  // namespace

TEST(floods_of_coming_and_going_are_counted) {
  World world;
  world.join("w1");
  const std::size_t before = events_of(world);
  for (int i = 0; i < 300; ++i) {
    world.join("w1");
    if (i % 2 == 0) world.hear("w1", "BYE");
    world.close("w1");
  }
  CHECK(events_of(world) <= before + 200);
  world.pass(60'000);
  // Each time one for its coming and one for its going; the first coming was before.
  CHECK_EQ(world.count("say worker w1: 402 events were left out"), 1);
  CHECK(events_of(world) <= before + 202);
  world.pass(600'000);
  CHECK_EQ(world.count("say worker w1: 402 events were left out"), 1);
  // Others are none of its affair.
  world.join("w2");
  CHECK(world.print("events").find("worker w2 is up") != std::string::npos);
}

TEST(floods_goodbye_is_the_last_word_of_a_session) {
  World world;
  world.join("w1");
  world.hear("w1", "BYE");
  CHECK(world.has("w1 closed: it said goodbye"));
  world.take();
  world.hear("w1", "HEARTBEAT seq=2");
  CHECK(world.print("workers").find("left") != std::string::npos);
  world.close("w1");
  world.join("w1");
  CHECK(world.print("workers").find("up") != std::string::npos);
  // Of a name that somebody tried nothing stays, and nothing is said.
  const std::size_t before = events_of(world);
  for (int i = 0; i < 10; ++i) {
    world.open("new");
    world.hear("new", "BYE");
    world.close("new");
  }
  CHECK(!world.cluster().workers().contains("new"));
  CHECK_EQ(events_of(world), before);
}

TEST(floods_of_ends_that_are_not_ours_are_acknowledged_together) {
  World world;
  world.join("w1");
  world.take();
  for (int i = 0; i < 1000; ++i) world.hear("w1", exited(1 + 2 * i));
  CHECK_EQ(world.count("w1> ACK"), 100);
  CHECK(world.count("say ") <= 200);
  world.pass(1000, {"w1"});
  CHECK_EQ(world.count("w1> ACK"), 101);
  CHECK_EQ(world.count("w1> ACK seq=1999"), 1);
  CHECK_EQ(world.count("record ACKED"), 101);
  CHECK_EQ(world.count("record ACKED worker=w1 seq=1999"), 1);
  world.pass(10'000, {"w1"});
  CHECK_EQ(world.count("record ACKED"), 101);
  // What a session has not been told is told again in the next.
  for (int i = 1000; i < 1200; ++i) world.hear("w1", exited(1 + 2 * i));
  world.close("w1");
  world.take();
  world.join("w1");
  world.pass(2000, {"w1"});
  CHECK_EQ(world.count("record ACKED"), 0);
  CHECK_EQ(world.cluster().state().acknowledged.at("w1"), 2199);
}

TEST(floods_take_no_end_of_ours_along) {
  World world = with_web({"w1"});
  world.launch("web", "w1", " --restart always");
  for (int i = 1; i <= 500; ++i) world.hear("w1", exited(i));
  world.take();
  for (int run = 1; run <= 300; ++run)
    world.hear("w1", "EXITED seq=" + std::to_string(500 + run) + " instance=web.1 run=" +
                         std::to_string(run) + " started_ms=1 ended_ms=70000 reason=x");
  CHECK_EQ(world.count("record ENDED instance=web.1"), 300);
  CHECK_EQ(world.count("w1> ACK seq="), 300);
  CHECK_EQ(world.count("say "), 0);
  // What was owed by then is acknowledged with these.
  world.take();
  world.pass(1000, {"w1"});
  CHECK_EQ(world.count("record ACKED"), 0);
  // Told once more they make nothing.
  world.hear("w1", "EXITED seq=800 instance=web.1 run=300 started_ms=1 ended_ms=70000 reason=x");
  CHECK_EQ(world.count("record ENDED"), 0);
}
