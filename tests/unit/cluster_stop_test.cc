// stop and kill: who is told, what is answered, what is kept for workers that are away.
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

// w1 runs web.1 and web.2.
World with_two() {
  World world;
  world.join("w1");
  world.install("web", {"w1"});
  world.launch("web", "w1", " --restart always");
  world.launch("web", "w1");
  return world;
}

}  // namespace

TEST(stop_is_recorded_first_and_answered_when_the_tree_is_gone) {
  World world = with_two();
  world.run("stop web.1 --timeout 3s");
  const std::string text = world.take();
  CHECK(text.find("record ASKED n=") == 0);
  CHECK(text.find("record DESIRED instance=web.1 desired=stopped\nw1> STOP id=") != text.npos);
  CHECK(text.find("instance=web.1 timeout_ms=3000\n") != std::string::npos);
  world.hear("w1",
             "EXITED seq=1 instance=web.1 run=1 exit_code=0 "
             "reason=stopped%20by%20operator:%20SIGINT,%20exit%20code%200");
  CHECK_EQ(world.count("#4 OK"), 0);
  world.answer("w1", "STOP", "OK reason=stopped%20by%20operator:%20SIGINT,%20exit%20code%200");
  CHECK(world.has("#4 out web.1: stopped by operator: SIGINT, exit code 0"));
  CHECK_EQ(world.count("#4 OK"), 1);
  CHECK_EQ(world.state_of("web.1"), "dead stopped by operator: SIGINT, exit code 0");
}

TEST(stop_waits_as_long_as_it_was_told_and_a_minute) {
  World world = with_two();
  world.run("stop web.1 --timeout 100s --no-kill");
  CHECK(world.has("timeout_ms=100000 no_kill=1"));
  world.pass(159'000, {"w1"});
  CHECK_EQ(world.count("#4 ERR"), 0);
  world.pass(1000, {"w1"});
  CHECK(world.has("#4 ERR timeout worker w1 does not answer"));
}

TEST(stop_that_was_not_enough_says_so) {
  World world = with_two();
  world.run("stop web --no-kill");
  world.hear("w1", "OK id=e.5 reason=x");
  world.hear("w1", "ERR id=e.6 code=timeout msg=web.2%20has%20not%20ended%20within%2010%20s");
  CHECK(world.has("#4 note web.2: web.2 has not ended within 10 s"));
  CHECK(world.has("#4 ERR timeout 1 of 2 failed: web.2 has not ended within 10 s"));
  // A beat later it still runs, and its worker knows: nobody kills it after all.
  world.take();
  world.hear("w1", "INSTANCE instance=web.2 desired=stopped state=stopping run=1 pid=77");
  world.close("w1");
  world.open("w1");
  world.hear("w1", "INSTANCE instance=web.2 desired=stopped state=stopping run=1 pid=77");
  world.hear("w1", "INSTANCE instance=web.1 desired=stopped state=dead run=1");
  world.hear("w1", "SYNCED");
  CHECK_EQ(world.count("w1> STOP"), 0);
}

TEST(stop_and_kill_go_to_many_at_once) {
  World world = with_two();
  world.join("w2");
  world.install("api", {"w2"});
  world.launch("api", "w2");
  world.run("kill all");
  CHECK_EQ(world.count("w1> KILL"), 2);
  CHECK_EQ(world.count("w2> KILL"), 1);
  CHECK(world.has("desired=killed"));
  world.take();
  world.run("kill web api.1 web.1");
  CHECK_EQ(world.count("w1> KILL"), 2);
}

TEST(stop_of_what_is_dead_is_done_already) {
  World world = with_two();
  world.hear("w1", "EXITED seq=1 instance=web.2 run=1 exit_code=3 reason=exit%20code%203");
  world.take();
  world.run("kill web.2");
  CHECK(world.has("#4 out web.2 is dead already: exit code 3"));
  CHECK_EQ(world.count("#4 OK"), 1);
  CHECK_EQ(world.count("w1> KILL"), 0);
  // The policy of one that seems dead may have revived it: its worker has the last word.
  world.hear("w1", "EXITED seq=2 instance=web.1 run=1 exit_code=3 reason=exit%20code%203");
  world.run("stop web.1");
  CHECK_EQ(world.count("w1> STOP"), 1);
  CHECK_EQ(world.count("#5 OK"), 0);
  world.answer("w1", "STOP", "OK reason=exit%20code%203");
  CHECK_EQ(world.count("#5 OK"), 1);
  world.take();
  world.run("stop web");
  CHECK(world.has("#6 out nothing of it runs"));
  CHECK_EQ(world.count("#6 OK"), 1);
}

TEST(stop_ends_a_back_off) {
  World world = with_two();
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=3 reason=exit%20code%203");
  world.hear("w1",
             "INSTANCE instance=web.1 desired=running state=backoff run=1 "
             "retry_ms=1700000009000");
  world.run("stop web.1");
  CHECK_EQ(world.count("w1> STOP"), 1);
  world.hear("w1", "INSTANCE instance=web.1 desired=stopped state=dead run=1");
  world.answer("w1", "STOP", "OK reason=exit%20code%203");
  CHECK_EQ(world.state_of("web.1"), "dead exit code 3");
}

TEST(stop_of_a_lost_one_is_kept_and_done_at_its_return) {
  World world = with_two();
  world.close("w1");
  world.pass(2500);
  CHECK_EQ(world.state_of("web.1"), "unknown worker w1 lost");
  world.run("stop web.1");
  CHECK(world.has("#4 ERR lost worker w1 is lost: will be done when w1 returns"));
  world.run("kill web.2");
  // Again: still not done.
  world.run("stop web.1");
  CHECK(world.has("#6 ERR lost worker w1 is lost: will be done when w1 returns"));
  world.restart();
  world.pass(2500);
  world.open("w1");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=sleeping run=1 pid=77");
  world.hear("w1", "INSTANCE instance=web.2 desired=running state=sleeping run=1 pid=78");
  world.take();
  world.hear("w1", "SYNCED");
  CHECK(world.has("w1> STOP id=e2.1 instance=web.1"));
  CHECK(world.has("w1> KILL id=e2.2 instance=web.2"));
}

TEST(stop_of_a_silent_one_is_done_when_it_beats_again) {
  World world = with_two();
  world.pass(2500);
  world.run("stop web.1");
  world.take();
  world.hear("w1", "HEARTBEAT seq=7");
  CHECK_EQ(world.count("w1> STOP"), 1);
  world.hear("w1", "HEARTBEAT seq=8");
  CHECK_EQ(world.count("w1> STOP"), 1);
}

TEST(stop_under_way_when_the_worker_is_lost_says_that_it_will_be_done) {
  World world = with_two();
  world.run("stop web.1");
  world.pass(2500);
  CHECK(world.has("#4 ERR lost worker w1 is lost: will be done when w1 returns"));
  world.take();
  world.run("stop web.2");
  CHECK_EQ(world.count("w1> STOP"), 0);
}

TEST(stop_reaches_a_worker_whose_connection_is_just_gone) {
  World world = with_two();
  world.close("w1");
  world.run("stop web.1");
  CHECK_EQ(world.count("w1> STOP"), 0);
  world.return_with("w1", "INSTANCE instance=web.1 desired=running state=sleeping run=1 pid=77");
  CHECK_EQ(world.count("w1> STOP"), 1);
}

TEST(stop_of_what_its_worker_does_not_know_is_done) {
  World world = with_two();
  world.run("stop web.1");
  world.answer("w1", "STOP", "ERR code=not-found msg=no%20instance");
  CHECK(world.has("#4 out web.1: it had not begun"));
  CHECK_EQ(world.state_of("web.1"), "dead stopped before it began");
}

TEST(stop_cancelled_goes_on) {
  World world = with_two();
  world.run("stop web.1");
  world.cancel(4);
  CHECK_EQ(world.count("#4 OK"), 1);
  world.answer("w1", "STOP", "OK reason=x");
  CHECK_EQ(world.count("#4 "), 1);
  CHECK_EQ(world.state_of("web.1"), "dead");
}

TEST(stop_names_what_does_not_exist) {
  World world = with_two();
  world.run("stop wep.1");
  CHECK(world.has("#4 ERR not-found no app or instance named wep.1; did you mean web.1?"));
  world.run("stop w1");
  CHECK(world.has("#5 ERR not-found no app or instance named w1"));
  world.run("start web");
  CHECK(world.has("#6 ERR not-found no instance of web was stopped by"));
  world.run("kill web.1 nosuch");
  CHECK_EQ(world.count("w1> KILL"), 0);
}

TEST(stop_by_name_reaches_a_foreign_instance) {
  World world = with_two();
  world.open("w2");
  world.hear("w2", "INSTANCE instance=old.3 desired=running state=running run=1 pid=9");
  world.hear("w2", "INSTANCE instance=web.1 desired=running state=running run=1 pid=8");
  world.hear("w2", "SYNCED");
  world.hear("w2", "HEARTBEAT seq=1");
  world.take();
  world.run("stop all");
  CHECK_EQ(world.count("w2> STOP"), 0);
  world.run("stop web.1");
  CHECK_EQ(world.count("w2> STOP"), 0);  // ours is meant
  world.take();
  world.run("stop old.3");
  CHECK_EQ(world.count("w2> STOP"), 1);
  world.answer("w2", "STOP", "OK reason=stopped%20by%20operator");
  CHECK(world.has("#6 out old.3: stopped by operator"));
  CHECK_EQ(world.count("#6 OK"), 1);
  world.close("w2");
  world.pass(3000, {"w1"});
  world.take();
  world.run("kill old.3");
  CHECK(world.has("#7 ERR lost worker w2 is lost"));
}

TEST(stop_is_in_the_audit_trail_with_who_and_how_it_went) {
  World world = with_two();
  world.run("stop web.1 nosuch");
  CHECK(
      world.has("record COMMAND at=1700000000000 who=ann from=unix words=stop%20web.1%20nosuch "
                "code=not-found"));
  world.take();
  world.run("ps");
  CHECK(!world.has("record"));
  world.run("kill web.2");
  world.take();
  world.answer("w1", "KILL", "OK reason=killed");
  const std::string text = world.take();
  CHECK_ORDER(text, "record COMMAND", "#6 OK");
  CHECK(text.find("code=ok") != std::string::npos);
  CHECK(world.print("events").find("command  kill web.2: done (by ann)") != std::string::npos);
}

// Who asked is recorded before anything is done, so it is known even if nobody heard how it ended.
TEST(stop_of_a_master_that_ended_first_is_in_the_audit_trail) {
  World world = with_two();
  world.run("stop web.1");
  world.restart();
  world.restart();
  world.take();
  world.pass(1);
  CHECK_EQ(world.count("record COMMAND"), 1);
  CHECK(world.print("events").find("stop web.1: the master ended before it was done (by ann)") !=
        std::string::npos);
  world.restart();
  world.take();
  world.pass(1);
  CHECK_EQ(world.count("record COMMAND"), 0);
}

TEST(stop_with_very_long_words_leaves_a_record_that_can_be_read) {
  World world = with_two();
  world.run("stop web.1 " + std::string(60'000, 'x'));
  CHECK(world.journal().back().verb() == "COMMAND");
  CHECK(world.journal().back().print().size() < 8192);
}
