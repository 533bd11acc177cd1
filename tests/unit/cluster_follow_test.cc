// logs -f: on into the next run, until there is none.
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

const std::string kInstance = "INSTANCE instance=web.1 desired=running restarts=0 ";

World with_followed(const std::string& words, const std::string& restart = "always") {
  World world = with_web({"w1"});
  world.launch("web", "w1", " --restart " + restart);
  world.run(words);
  return world;
}

void end_stream(World& world) {
  const std::string order = world.order("w1", "LOG");
  world.answer("w1", "LOG", "OK");
  world.stream_ended(order);
}

}  // namespace

TEST(follow_goes_on_into_the_next_run) {
  World world = with_followed("logs web.1 -f -n 5");
  CHECK(world.has("instance=web.1 follow=1 lines=5"));
  world.take();
  // The stream ends before anything else is heard of the end.
  end_stream(world);
  CHECK(!world.has("#3 OK") && !world.has("w1> LOG"));
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=3 reason=exit%20code%203");
  world.hear("w1", kInstance + "state=backoff run=1");
  CHECK_EQ(world.count("w1> LOG"), 0);
  world.hear("w1", kInstance + "state=sleeping run=2 pid=78 started_ms=1700000001000");
  CHECK(world.has("note web.1: run 2 follows"));
  CHECK(world.has("instance=web.1 follow=1 run=2"));
  // One that is stopped has no next run.
  world.take();
  world.run("stop web.1");
  world.answer("w1", "STOP", "OK reason=x");
  world.hear("w1", "EXITED seq=2 instance=web.1 run=2 exit_code=0 reason=x");
  const std::string before = world.take();
  end_stream(world);
  CHECK(before.find("#3 OK") == std::string::npos);
  CHECK(world.has("#3 OK"));
  CHECK_EQ(world.count("w1> LOG"), 0);
}

TEST(follow_ends_where_no_run_can_follow) {
  for (const char* words : {"logs web.1 -f --run 1", "logs web.1"}) {
    World world = with_followed(words);
    world.take();
    end_stream(world);
    CHECK(world.has("OK"));
  }
  World once = with_followed("logs web.1 -f", "no");
  once.take();
  end_stream(once);
  CHECK(once.has("OK"));
}

TEST(follow_of_an_app_goes_on_too) {
  World world = with_followed("logs web -f");
  world.take();
  end_stream(world);
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=3 reason=exit%20code%203");
  world.hear("w1", kInstance + "state=sleeping run=2 pid=78 started_ms=1700000001000");
  CHECK(world.has("note web.1: run 2 follows"));
  CHECK(world.has("instance=web.1 follow=1 run=2 stamp=1"));
}

TEST(follow_that_nobody_waits_for_is_forgotten) {
  World world = with_followed("logs web.1 -f");
  const RequestId request = world.run("logs web.1 -f");
  world.take();
  world.cancel(request);
  world.cancel(request - 1);
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=3 reason=exit%20code%203");
  world.hear("w1", kInstance + "state=sleeping run=2 pid=78 started_ms=1700000001000");
  CHECK(!world.has("run 2 follows"));
}
