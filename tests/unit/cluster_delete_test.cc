// delete: what must end first, what is kept for workers that are away, what must survive it.
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

TEST(delete_tells_every_worker_that_has_it_and_then_the_master) {
  World world = with_web({"w1", "w2"});
  world.join("w3");
  world.run("delete web");
  CHECK(world.has("record DELETING app=web worker=w1"));
  CHECK_EQ(world.count("w1> DELETE"), 1);
  CHECK_EQ(world.count("w2> DELETE"), 1);
  CHECK_EQ(world.count("w3> DELETE"), 0);
  CHECK_EQ(world.count("record APP app=web next=1 deleted=1"), 1);
  CHECK_EQ(world.count("collect blobs"), 1);
  CHECK(world.cluster().referenced_blobs().empty());
  world.answer("w1", "DELETE", "OK");
  CHECK_EQ(world.count("#2 OK"), 0);
  world.answer("w2", "DELETE", "OK");
  CHECK_EQ(world.count("#2 out w1: deleted"), 1);
  CHECK_EQ(world.count("#2 OK"), 1);
  CHECK(world.cluster().state().deletes.empty());
  world.run("delete web");
  CHECK(world.has("#3 ERR not-found no app named web"));
}

TEST(delete_from_one_worker_leaves_the_app) {
  World world = with_web({"w1", "w2"});
  world.run("delete web --from w1");
  CHECK_EQ(world.count("w2> DELETE"), 0);
  CHECK(!world.has("record APP"));
  world.answer("w1", "DELETE", "OK");
  CHECK_EQ(world.count("#2 OK"), 1);
  const State& state = world.cluster().state();
  CHECK_EQ(state.versions.at(state.apps.at("web").current).installed_on.size(), 1U);
}

TEST(delete_refuses_while_something_runs) {
  World world = with_web({"w1", "w2"});
  world.launch("web", "w1");
  world.launch("web", "w1");
  world.run("delete web");
  CHECK(world.has("#4 ERR busy web.[1-2] still runs; stop it first, or say --force"));
  CHECK_EQ(world.count("w1> DELETE"), 0);
  world.run("delete web --from w2");
  CHECK_EQ(world.count("w2> DELETE"), 1);
}

TEST(delete_with_force_stops_first) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  world.run("delete web --force");
  CHECK_EQ(world.count("w1> STOP"), 1);
  CHECK_EQ(world.count("w1> DELETE"), 0);
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=0 reason=x");
  world.answer("w1", "STOP", "OK reason=x");
  CHECK_EQ(world.count("w1> DELETE"), 1);
  world.answer("w1", "DELETE", "OK");
  CHECK_EQ(world.count("#3 OK"), 1);
  CHECK(world.cluster().state().instances.empty());
}

TEST(delete_with_force_is_finished_by_the_next_master) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  world.run("delete web --force");
  world.restart();
  world.return_with("w1", "INSTANCE instance=web.1 desired=running state=running run=1 pid=7");
  CHECK_EQ(world.count("w1> DELETE"), 0);
  CHECK(world.has("w1> STOP"));
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 reason=x");
  world.answer("w1", "STOP", "OK reason=x");
  CHECK_EQ(world.count("w1> DELETE"), 1);
}

TEST(delete_with_force_of_what_does_not_stop_deletes_nothing) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  world.run("delete web --force");
  world.answer("w1", "STOP", "ERR code=timeout msg=web.1%20has%20not%20ended");
  CHECK(world.has("#3 ERR timeout web.1 has not ended"));
  CHECK(!world.cluster().state().apps.at("web").current.empty());
  world.answer("w1", "STOP", "OK reason=x");
  world.pass(30'000, {"w1"});
  CHECK_EQ(world.count("w1> DELETE"), 0);
  CHECK(world.cluster().state().deletes.empty());
}

TEST(delete_with_force_cancelled_is_done_all_the_same) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  world.launch("web", "w1");
  world.run("delete web --force");
  world.cancel(4);
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 reason=x");
  world.hear("w1", "OK id=e.5 reason=x");
  CHECK_EQ(world.count("w1> DELETE"), 0);
  world.hear("w1", "EXITED seq=2 instance=web.2 run=1 reason=x");
  world.hear("w1", "OK id=e.6 reason=x");
  CHECK_EQ(world.count("w1> DELETE"), 1);
  world.answer("w1", "DELETE", "OK");
  CHECK_EQ(world.count("#4 "), 1);
  CHECK_EQ(world.count("record COMMAND"), 1);  // when it was done
}

TEST(delete_on_a_lost_worker_is_done_at_its_return) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  world.close("w1");
  world.pass(2500);
  world.run("delete web --force");
  CHECK(world.has("#3 ERR lost worker w1 is lost: will be done when w1 returns"));
  world.restart();
  world.return_with("w1", "INSTANCE instance=web.1 desired=running state=sleeping run=1 pid=77");
  CHECK_EQ(world.count("w1> STOP"), 1);
  CHECK_EQ(world.count("w1> DELETE"), 0);
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 signal=SIGINT reason=x");
  world.answer("w1", "STOP", "OK reason=x");
  CHECK_EQ(world.count("w1> DELETE"), 1);
  world.answer("w1", "DELETE", "OK");
  CHECK(world.cluster().state().deletes.empty());
  CHECK(world.cluster().state().instances.empty());
}

TEST(delete_at_the_return_asks_once_whatever_the_worker_says) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  world.pass(2500);
  world.run("delete web");
  world.hear("w1", "HEARTBEAT seq=5");
  CHECK_EQ(world.count("w1> STOP"), 1);
  world.take();
  // It says that it has killed it, but has reported no end.
  world.answer("w1", "STOP", "OK reason=x");
  CHECK_EQ(world.count("w1> STOP"), 0);
  CHECK_EQ(world.count("w1> DELETE"), 1);
}

TEST(delete_that_failed_does_not_fall_upon_what_is_placed_later) {
  World world = with_web({"w1"});
  world.run("delete web");
  world.answer("w1", "DELETE", "ERR code=busy msg=web.1%20is%20running");
  CHECK(world.has("#2 ERR busy web.1 is running"));
  CHECK_EQ(world.cluster().state().deletes.size(), 1U);
  world.install("web", {"w1"});
  world.launch("web", "w1");
  world.restart();
  world.return_with("w1", "INSTANCE instance=web.1 desired=running state=sleeping run=1 pid=77");
  CHECK_EQ(world.count("w1> "), 0);
}

TEST(delete_of_an_app_on_its_way_waits_or_is_forced) {
  World world = with_web({"w1"});
  world.join("w2");
  world.run_with_files("copy ./web --to w2", "web");
  world.run("delete web --from w1");
  CHECK_EQ(world.count("w1> DELETE"), 1);
  world.run("delete web");
  CHECK(world.has("#4 ERR busy web is on its way to w2"));
  world.run("delete web --force");
  world.answer("w1", "DELETE", "OK");
  // Nothing is sent any more of what no record speaks of.
  world.answer("w2", "PROBE", "OK");
  CHECK(world.has("#2 ERR not-found web was deleted meanwhile"));
  CHECK_EQ(world.count("w2> INSTALL"), 0);
  CHECK(world.cluster().state().versions.empty());
}

TEST(delete_of_an_unknown_app_or_worker) {
  World world = with_web({"w1"});
  world.run("delete wep");
  CHECK(world.has("#2 ERR not-found no app named wep; did you mean web?"));
  world.run("delete web --from w9");
  CHECK(world.has("#3 ERR not-found no worker named w9"));
}

TEST(delete_forgets_with_the_worker) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  world.close("w1");
  world.run("stop web.1");
  world.take();
  world.run("workers forget w1");
  CHECK_EQ(world.count("#3 ERR not-found worker w1 was forgotten"), 1);
  CHECK(world.cluster().state().instances.empty());
  CHECK_EQ(world.count("#4 OK"), 1);
  CHECK_EQ(world.print("ps --all --json"), "");
}
