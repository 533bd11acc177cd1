// The numbers in instances' names: no worker can use them up, and their end is no crash.
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

const std::string kMovable = " --restart always --on-lost move";

std::int64_t next_of(World& world, const std::string& app) {
  return world.cluster().state().next_number(app);
}

// A worker that tells at the start of a session that it has these.
void tell(World& world, const std::string& worker, const std::string& app,
          const std::vector<std::int64_t>& numbers) {
  world.open(worker);
  for (const std::int64_t number : numbers)
    world.hear(worker, "INSTANCE instance=" + app + "." + std::to_string(number) + " state=dead");
  world.hear(worker, "SYNCED");
  world.hear(worker, "HEARTBEAT seq=1 cpu=10");
}

// A world where `next` is the next number of web, and these workers have it.
World near_the_end(std::int64_t next, const std::vector<std::string>& workers) {
  World world = with_web(workers);
  world.remember("APP app=web next=" + std::to_string(next) +
                 " manifest=" + world.cluster().state().apps.at("web").current);
  world.restart();
  for (const std::string& worker : workers) world.join(worker);
  world.take();
  return world;
}

}  // namespace

TEST(numbers_are_not_used_up_by_what_a_worker_says) {
  World world = near_the_end(899'950'000, {"w1"});
  tell(world, "w1", "web", {899'999'999});
  CHECK_EQ(next_of(world, "web"), 900'000'000);
  tell(world, "w1", "web", {900'000'000, 900'000'001, 900'099'999, 999'999'999});
  CHECK_EQ(next_of(world, "web"), 900'000'000);
  world.run("launch web");
  CHECK(world.has("record INSTANCE instance=web.900000000 "));
}

TEST(numbers_move_once_a_session) {
  World world = with_web({"w1"});
  tell(world, "w1", "web", {100'001, 200'001, 300'001});
  CHECK_EQ(next_of(world, "web"), 100'002);
}

TEST(numbers_beyond_the_last_make_no_launch) {
  World world = near_the_end(999'999'999, {"w1"});
  const RequestId two = world.run("launch web --count 2");
  world.answer("w1", "LAUNCH", "OK pid=7 run=1");
  CHECK(world.has("web.999999999 w1 7"));
  const std::string why =
      "web has used up its numbers, 999999999 was the last: copy it under "
      "another name (--as)";
  CHECK(world.has("#" + std::to_string(two) + " ERR exists 1 of 2 failed: " + why));
  world.run("launch web");
  CHECK(world.has("ERR exists " + why));
  world.run_with_files("launch ./web", "web", "2");
  CHECK_EQ(world.count("record VERSION"), 0);
  // What an attack may have left in a journal.
  World attacked = near_the_end(1'000'000'007, {"w1"});
  attacked.run("launch web");
  CHECK(attacked.has("ERR exists " + why));
}

TEST(numbers_beyond_the_last_move_nothing_and_that_is_said_once) {
  World world = near_the_end(999'999'999, {"w1", "w2"});
  world.launch("web", "w1", kMovable);
  world.take();
  for (int i = 0; i < 3; ++i) {
    world.pass(30'000, {"w2"});
    CHECK_EQ(world.count("w2> LAUNCH"), 0);
    CHECK_EQ(world.state_of("web.999999999"), "unknown worker w1 lost");
    // It comes back and has it still.
    world.open("w1");
    world.hear("w1", "INSTANCE instance=web.999999999 desired=running state=running run=1 pid=7");
    world.hear("w1", "SYNCED");
    world.hear("w1", "HEARTBEAT seq=1");
    CHECK_EQ(world.state_of("web.999999999"), "running");
  }
  CHECK_EQ(world.count("say web.999999999 is not moved: web has used up its numbers"), 1);
}

TEST(numbers_beyond_the_last_leave_what_crashes_where_it_is) {
  World world = near_the_end(999'999'999, {"w1", "w2"});
  world.launch("web", "w1", kMovable);
  world.take();
  for (int run = 1; run <= 6; ++run)
    world.hear("w1", "EXITED seq=" + std::to_string(run) + " instance=web.999999999 run=" +
                         std::to_string(run) + " started_ms=1 ended_ms=2 exit_code=1 reason=x");
  CHECK(world.has("w1> ACK seq=6 slow=web.999999999"));
  CHECK_EQ(world.count("w2> "), 0);
  CHECK_EQ(world.count("say web.999999999 is not moved: web has used up its numbers"), 1);
}

TEST(numbers_of_a_worker_that_has_only_its_name_are_not_kept) {
  World world;
  world.open("w1");
  world.hear("w1", "INSTANCE instance=ghost.1 state=dead");
  world.hear("w1", "SYNCED");
  world.close("w1");
  CHECK_EQ(world.count("record "), 0);
  // A known one is taken at its word before it beats: orders go out from here on.
  world.join("w1");
  world.open("w1");
  world.hear("w1", "INSTANCE instance=ghost.1 state=dead");
  world.hear("w1", "SYNCED");
  CHECK_EQ(next_of(world, "ghost"), 2);
}

TEST(numbers_of_invented_apps_are_kept_of_so_many_only) {
  World world;
  world.join("w1");
  world.join("w2");
  tell(world, "w2", "honest", {7});
  const auto invent = [&](int from) {
    world.open("w1");
    for (int i = from; i < from + 1000; ++i)
      world.hear("w1", "INSTANCE instance=x" + std::to_string(i) + ".1 state=running");
    world.hear("w1", "SYNCED");
    world.hear("w1", "HEARTBEAT seq=1");
  };
  for (int session = 0; session < 3; ++session) {
    invent(1000 * session);
    world.pass(3'600'000, {"w1", "w2"});
  }
  CHECK_EQ(world.cluster().state().heard.size(), 1000U);
  CHECK(world.cluster().state().apps.empty());
  CHECK_EQ(world.count("say worker w1 has instances of 1 more apps than are remembered"), 1);
  CHECK_EQ(world.count("say worker w1 has instances of "), 1);
  CHECK(world.print("ps").find("x2999.1") != std::string::npos);
  // What a restart reads is the same, and as much.
  const State before = world.cluster().state();
  world.restart();
  CHECK(world.cluster().state() == before);
  // What is registered is nobody's word any more, and takes no place.
  world.run_with_files("copy ./x5", "x5");
  world.join("w1");
  tell(world, "w2", "honest", {7});
  tell(world, "w1", "late", {3});
  CHECK_EQ(next_of(world, "late"), 4);
  // With the worker its words go; what others have said as well is said again.
  tell(world, "w1", "honest", {8});
  tell(world, "w2", "honest", {7});
  world.close("w1");
  world.run("workers forget w1");
  CHECK_EQ(next_of(world, "x5"), 2);
  CHECK_EQ(next_of(world, "honest"), 8);
  CHECK_EQ(world.cluster().state().apps.size(), 1U);
  CHECK_EQ(world.cluster().state().heard.size(), 1U);
}

TEST(numbers_are_written_down_so_often_only) {
  World world = with_web({"w1"});
  world.take();
  for (int i = 1; i <= 1500; ++i) tell(world, "w1", "web", {i});
  CHECK_EQ(world.count("record APP"), 1000);
  CHECK_EQ(world.count("record HEARD"), 0);
  CHECK_EQ(next_of(world, "web"), 1001);
  world.pass(3'600'000, {"w1"});
  tell(world, "w1", "web", {1500});
  CHECK_EQ(next_of(world, "web"), 1501);
}
