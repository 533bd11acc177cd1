// The ends of logs: when they are asked for, and what is shown of them when the worker is gone.
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

World with_a_dead_one() {
  World world;
  world.join("w1");
  world.install("web", {"w1"});
  world.launch("web", "w1");
  world.hear("w1",
             "EXITED seq=1 instance=web.1 run=1 pid=7 started_ms=5 ended_ms=6 exit_code=3 "
             "reason=exit%20code%203");
  world.take();
  return world;
}

void answer(World& world, RequestId request, const std::string& text) {
  world.feed(TailRead{request, "web.1", Tail{"web.1", "w1", 1, 1'700'000'000'000, text}});
}

}  // namespace

// The tail of web.1 is asked for, and comes.
void bring(World& world, const std::string& worker, int run) {
  world.feed(TailStored{"web.1", run, 100});
  world.stream_ended(world.order(worker, "LOG"));
}

TEST(cluster_tails_are_asked_for_after_an_end) {
  World world = with_a_dead_one();
  world.pass(300, {"w1"});
  CHECK_EQ(world.count("expect stream e.4 of w1 for the tail of web.1"), 1);
  CHECK_EQ(world.count("w1> LOG id=e.4 instance=web.1 run=1 tail_bytes=65536"), 1);
  // One that never began has no log; and while a tail is on its way the worker has rest.
  world.launch("web", "w1");
  world.hear("w1", "EXITED seq=2 instance=web.2 run=1 failed=exec-failed reason=no");
  world.take();
  world.pass(500, {"w1"});
  CHECK_EQ(world.count("w1> LOG"), 0);
  world.answer("w1", "LOG", "OK");
  CHECK_EQ(world.count("stream due e.4"), 1);
  world.stream_ended("e.4");
  world.take();
  world.pass(10'000, {"w1"});
  CHECK_EQ(world.count("w1> LOG"), 0);
}

TEST(cluster_tails_come_in_part_with_the_report_of_an_end) {
  World world;
  world.join("w1");
  world.install("web", {"w1"});
  world.launch("web", "w1");
  world.hear("w1",
             "EXITED seq=1 instance=web.1 run=1 pid=7 started_ms=5 ended_ms=6 exit_code=3 "
             "tail=the%20reason");
  CHECK_EQ(world.count("keep tail web.1/1 the reason"), 1);
  // Told again it is nothing new.
  world.take();
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 started_ms=5 ended_ms=6 tail=other");
  CHECK_EQ(world.count("keep tail"), 0);
  // A part is shown, and the whole is wanted all the same.
  world.feed(TailStored{"web.1", 0, 100});
  world.close("w1");
  world.pass(4000);
  const RequestId request = world.run("logs web.1");
  CHECK(world.has("read tail"));
  answer(world, request, "the reason");
  CHECK(world.has("out the reason"));
  world.take();
  world.join("w1");
  world.pass(20'000, {"w1"});
  CHECK(world.count("w1> LOG") > 0);
}

TEST(cluster_tails_that_were_cut_are_asked_for_again) {
  World world = with_a_dead_one();
  world.pass(0);
  CHECK_EQ(world.count("w1> LOG id=e.4 "), 1);
  world.stream_ended("e.4", fail(Code::kLost, "cut"));
  world.pass(4900, {"w1"});
  CHECK_EQ(world.count("w1> LOG"), 1);
  world.pass(200, {"w1"});
  CHECK_EQ(world.count("w1> LOG id=e.5 "), 1);
  // An answer that stays away is a failure as well.
  world.pass(26'000, {"w1"});
  CHECK_EQ(world.count("w1> LOG id=e.6 "), 1);
  bring(world, "w1", 1);
  world.take();
  world.pass(60'000, {"w1"});
  CHECK_EQ(world.count("w1> LOG"), 0);
}

TEST(cluster_tails_that_cannot_be_had_are_not_asked_for_again) {
  World world = with_a_dead_one();
  world.pass(0);
  world.answer("w1", "LOG", "ERR code=not-found msg=gone");
  world.close("w1");
  world.join("w1");
  world.take();
  world.pass(60'000, {"w1"});
  CHECK_EQ(world.count("w1> LOG"), 0);
  CHECK(world.print("version").find("1 ends of logs were not kept") != std::string::npos);
}

TEST(cluster_tails_are_asked_for_when_the_worker_is_back) {
  World world = with_a_dead_one();
  world.close("w1");
  world.pass(60'000);
  CHECK_EQ(world.count("w1> LOG"), 0);
  world.open("w1");
  world.pass(10);
  CHECK_EQ(world.count("w1> LOG"), 0);
  world.hear("w1", "SYNCED");
  world.hear("w1", "HEARTBEAT seq=1 cpu=10");
  world.pass(10);
  CHECK_EQ(world.count("w1> LOG id=e.4 instance=web.1 run=1 tail_bytes=65536"), 1);
  bring(world, "w1", 1);
  world.take();
  // Silent for a while, on a session that outlives it: lost in between.
  world.hear("w1", "EXITED seq=2 instance=web.1 run=2 started_ms=9 ended_ms=10 reason=x");
  world.pass(10'000);
  CHECK_EQ(world.count("w1> LOG"), 0);
  world.pass(10, {"w1"});
  CHECK_EQ(world.count("w1> LOG id=e.5 instance=web.1 run=2"), 1);
}

TEST(cluster_tails_are_asked_for_after_a_restart) {
  World world = with_a_dead_one();
  world.launch("web", "w1");
  world.hear("w1", "EXITED seq=2 instance=web.2 run=1 started_ms=7 ended_ms=8 reason=x");
  // Killed before any of them was here; that of web.2 was, but a later run ended since.
  for (const bool found : {false, true}) {
    world.restart();
    if (found) {
      world.feed(TailStored{"web.1", 1, 100});
      world.feed(TailStored{"web.2", 0, 100});
    }
    world.take();
    world.open("w1");
    world.hear("w1", "SYNCED");
    world.hear("w1", "HEARTBEAT seq=1 cpu=10");
    world.pass(10);
    if (!found) {
      CHECK_EQ(world.count("w1> LOG id=e2.1 instance=web.1 run=1"), 1);
      world.stream_ended("e2.1");
    }
    CHECK_EQ(world.count(found ? "w1> LOG id=e3.1 instance=web.2 run=1"
                               : "w1> LOG id=e2.2 instance=web.2 run=1"),
             1);
    CHECK_EQ(world.count("w1> LOG"), found ? 1 : 2);
  }
}

TEST(cluster_tails_of_a_crash_loop_are_few) {
  World world = with_a_dead_one();
  world.take();
  int run = 1;
  for (int second = 0; second < 20; ++second) {
    for (int again = 0; again < 5; ++again) {
      ++run;
      world.hear("w1", "EXITED seq=" + std::to_string(run) + " instance=web.1 run=" +
                           std::to_string(run) + " started_ms=" + std::to_string(run * 10) +
                           " ended_ms=" + std::to_string(run * 10 + 1) + " reason=x");
      world.pass(200, {"w1"});
    }
    const std::string order = world.order("w1", "LOG");
    if (!order.empty()) world.stream_ended(order);
  }
  const int asked = world.count("w1> LOG");
  CHECK(asked >= 3 && asked <= 5);
}

TEST(cluster_tails_stand_in_for_a_lost_worker) {
  World world = with_a_dead_one();
  world.feed(TailStored{"web.1", 1, 100});
  // While the worker is here, it has the whole log.
  world.run("logs web.1");
  CHECK(world.has("w1> LOG"));
  world.pass(3000);
  world.take();
  const RequestId id = world.run("logs web.1 -n 2");
  const std::string head = "#" + std::to_string(id) + " ";
  CHECK_EQ(world.take(), "read tail of web.1 for " + head.substr(0, head.size() - 1) + "\n");
  answer(world, id, "one\ntwo\nthree\n");
  CHECK_EQ(world.take(), head +
                             "note worker w1 is lost: the last 14 bytes of run 1, as of "
                             "2023-11-14T22:13:20.000Z\n" +
                             head + "out two\n" + head + "out three\n" + head + "OK\n");
  for (const char* option : {"-f", "-t", "--since 5m"}) {
    world.run(std::string("logs web.1 ") + option);
    CHECK(world.has("ERR lost worker w1 is lost; the end of its log is kept here, but not for"));
    world.take();
  }
  answer(world, world.run("logs web.1 --run 2"), "x");
  CHECK(world.has("ERR lost worker w1 is lost; the end of the log of run 1 is all that"));
  answer(world, world.run("logs web.1 -p"), "x");
  world.take();
  answer(world, world.run("logs web.1 --run 1"), "x");
  CHECK(world.has("OK"));
  world.take();
  world.feed(TailRead{world.run("logs web.1"), "web.1", std::nullopt});
  CHECK(world.has("ERR lost worker w1 is lost"));
}

TEST(cluster_tails_stand_first_in_the_log_of_an_app) {
  World world = with_a_dead_one();
  world.join("w2");
  world.install("web", {"w2"});
  world.launch("web", "w2");
  world.launch("web", "w1");
  world.feed(TailStored{"web.1", 1, 100});
  world.pass(3000, {"w2"});
  world.take();
  const RequestId id = world.run("logs web -n 2");
  const std::string head = "#" + std::to_string(id) + " ";
  CHECK_EQ(world.take(), "read tail of web.1 for #" + std::to_string(id) + "\n" + head +
                             "note web.3: worker w1 is lost: its log is missing\n");
  answer(world, id, "one\ntwo\nthree");
  CHECK_EQ(world.count(head + "out web.1 | "), 2);
  CHECK(world.has(head + "out web.1 | two"));
  CHECK(world.has(head + "out web.1 | three"));
  CHECK(world.has(head + "note web.1: worker w1 is lost: the last 13 bytes of run 1, as of 2023-11-"
                         "14T22:13:20.000Z, are all of its log that is here"));
  CHECK_EQ(world.count("w2> LOG"), 1);
  CHECK(!world.has(head + "ERR"));
  world.stream_ended(world.order("w2", "LOG"));
  CHECK(world.has(head + "ERR lost 2 of 3 failed: "));
  world.take();
  // With nothing else to show, it is shown all the same; what was damaged is missing.
  world.pass(3000);
  world.take();
  const RequestId all = world.run("logs web -f");
  world.feed(TailRead{all, "web.1", std::nullopt});
  CHECK(world.has("note web.1: worker w1 is lost: its log is missing"));
  CHECK(world.has("ERR lost 3 of 3 failed: "));
  // By time it cannot be had.
  for (const char* option : {"-t", "--since 5m"}) {
    world.take();
    world.run(std::string("logs web ") + option);
    CHECK(world.has("note web.1: worker w1 is lost; the end of its log is kept here, but not for"));
    CHECK(!world.has("read tail"));
  }
  // Who does not wait for it is not answered.
  const RequestId other = world.run("logs web");
  world.cancel(other);
  world.take();
  answer(world, other, "x\n");
  CHECK_EQ(world.take(), "");
}

TEST(cluster_tails_are_described_and_made_safe) {
  World world = with_a_dead_one();
  CHECK(world.print("describe web.1").find("Reason:") != std::string::npos);
  world.feed(TailStored{"web.1", 1, 100});
  world.take();
  const RequestId id = world.run("describe web.1");
  answer(world, id, "1\n2\n3\n4\n5\n\033[31mred\r" + std::string(500, 'x'));
  CHECK(world.has("out Last lines of run 1:"));
  CHECK(!world.has("out   1"));
  CHECK(world.has("out   2"));
  CHECK(world.has("out   \\x1B[31mred\\x0Dxxx"));
  CHECK(world.has("xxx..."));
  CHECK(world.has("#" + std::to_string(id) + " OK"));
  // A cancelled one is not waited for.
  const RequestId other = world.run("describe web.1");
  world.cancel(other);
  world.take();
  answer(world, other, "x\n");
  CHECK_EQ(world.take(), "");
}

TEST(cluster_tails_go_with_their_instance_and_what_is_lost_is_counted) {
  World world = with_a_dead_one();
  world.feed(TailStored{"web.1", 1, 40 << 20});
  world.feed(TailStored{"web.7", 1, 100});
  CHECK_EQ(world.take(), "drop tails of web.7\n");
  world.launch("web", "w1");
  world.hear("w1", "EXITED seq=2 instance=web.2 run=1 started_ms=7 ended_ms=8 reason=x");
  world.take();
  world.feed(TailStored{"web.2", 1, 40 << 20});
  CHECK_EQ(world.take(), "drop tails of web.1\n");
  CHECK(world.print("version").find("1 ends of logs were not kept: no room") != std::string::npos);
  world.run("delete web");
  world.answer("w1", "DELETE", "OK");
  CHECK_EQ(world.count("drop tails of web.2"), 1);
}
