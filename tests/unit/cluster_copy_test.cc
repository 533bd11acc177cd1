// Files on their way: probe, install, who hears of it, and what ends it early.
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

TEST(copy_probes_installs_and_says_a_line_for_each_worker) {
  World world;
  world.join("w1");
  world.join("w2");
  world.take();
  world.run_with_files("copy ./web", "web");
  const std::string begun = world.take();
  CHECK_ORDER(begun, "record VERSION app=web manifest=", "w1> PROBE");
  CHECK(begun.find("out web version ") != std::string::npos);
  CHECK(begun.find("1 file, 10 B") != std::string::npos);
  CHECK(begun.find("w1> PROBE id=e.1 arch=x86_64 symbols=GLIBC_2.34%20libc.so.6") !=
        std::string::npos);
  CHECK(begun.find("w2> PROBE id=e.2") != std::string::npos);
  world.answer("w1", "PROBE", "OK");
  CHECK(world.has("w1> INSTALL id=e.3 app=web manifest="));
  world.answer("w1", "INSTALL", "OK sent=2 there=1 bytes=2048 elapsed_ms=1250");
  const std::string first = world.take();
  CHECK_ORDER(first, "record INSTALLED app=web", "#1 out w1: 2 files sent");
  CHECK(first.find("#1 out w1: 2 files sent, 1 already there, 2 KiB in 1.2 s") !=
        std::string::npos);
  CHECK(first.find("#1 OK") == std::string::npos);
  world.answer("w2", "PROBE", "ERR code=bad-arg msg=lacks%20libx.so");
  const std::string second = world.take();
  CHECK(second.find("#1 note w2: lacks libx.so") != std::string::npos);
  CHECK(second.find("code=bad-arg msg=") != std::string::npos);
  CHECK(second.find("#1 ERR bad-arg 1 of 2 failed: lacks libx.so") != std::string::npos);
}

TEST(copy_one_target_gets_one_error_and_nothing_is_installed) {
  World world;
  world.join("w1");
  world.run_with_files("copy ./web --to w1", "web");
  world.take();
  world.answer("w1", "PROBE", "ERR code=bad-arg msg=wrong%20architecture");
  CHECK_EQ(world.count("#1 note"), 0);
  CHECK_EQ(world.count("#1 ERR bad-arg wrong architecture"), 1);
  CHECK_EQ(world.count("w1> INSTALL"), 0);
}

TEST(copy_two_of_the_same_share_one_transfer) {
  World world;
  world.join("w1");
  world.run_with_files("copy ./web", "web");
  world.run_with_files("copy ./web", "web");
  CHECK_EQ(world.count("w1> PROBE"), 1);
  world.answer("w1", "PROBE", "OK");
  world.hear("w1", "PROGRESS id=" + world.order("w1", "INSTALL") + " done=5 total=10");
  CHECK(world.has("#1 progress w1 5/10"));
  CHECK(world.has("#2 progress w1 5/10"));
  world.answer("w1", "INSTALL", "OK sent=1");
  CHECK_EQ(world.count("#1 OK"), 1);
  CHECK_EQ(world.count("#2 OK"), 1);
}

TEST(copy_only_what_is_being_installed_may_be_fetched) {
  World world;
  world.join("w1");
  world.join("w2");
  world.run_with_files("copy ./web --to w1", "web");
  const std::string version = world.cluster().state().apps.at("web").current;
  CHECK(!world.cluster().may_fetch("w1", version));
  world.answer("w1", "PROBE", "OK");
  CHECK(world.cluster().may_fetch("w1", version));
  CHECK(!world.cluster().may_fetch("w2", version));
  CHECK(!world.cluster().may_fetch("w1", std::string(64, '0')));
  CHECK_EQ(world.cluster().referenced_blobs().size(), 2U);
  world.answer("w1", "INSTALL", "OK");
  CHECK(!world.cluster().may_fetch("w1", version));
}

TEST(copy_to_a_lost_worker_is_refused_to_that_one) {
  World world;
  world.join("w1");
  world.join("w2");
  world.pass(2000, {"w2"});
  world.pass(1000, {"w2"});
  world.take();
  world.run_with_files("copy ./web --to w1,w2", "web");
  CHECK_EQ(world.count("#1 note w1: worker w1 is lost"), 1);
  world.answer("w2", "PROBE", "OK");
  world.answer("w2", "INSTALL", "OK");
  CHECK_EQ(world.count("#1 ERR lost 1 of 2 failed: worker w1 is lost"), 1);
  // By default only who is there.
  world.take();
  world.run_with_files("copy ./api", "api");
  CHECK_EQ(world.count("w1> "), 0);
  CHECK_EQ(world.count("w2> PROBE"), 1);
}

TEST(copy_leaves_out_who_has_not_said_what_it_runs) {
  World world;
  world.join("w1");
  world.open("w2");
  world.hear("w2", "HEARTBEAT seq=1 cpu=10");
  world.run_with_files("copy ./web", "web");
  CHECK(world.has("#1 note w2 is not synced yet: left out, launch will copy it"));
  CHECK_EQ(world.count("w2> PROBE"), 0);
  world.answer("w1", "PROBE", "OK");
  world.answer("w1", "INSTALL", "OK");
  CHECK_EQ(world.count("#1 OK"), 1);
}

TEST(copy_without_any_worker_registers_and_says_so) {
  World world;
  world.run_with_files("copy ./web", "web");
  CHECK(world.has("#1 note no worker is available: launch will copy it"));
  CHECK_EQ(world.count("#1 OK"), 1);
  CHECK(world.cluster().state().apps.contains("web"));
}

TEST(copy_a_worker_lost_in_the_middle_ends_it) {
  World world;
  world.join("w1");
  world.run_with_files("copy ./web", "web");
  world.answer("w1", "PROBE", "OK");
  world.close("w1");
  CHECK_EQ(world.count("#1 "), 1);  // nothing but the first line: it may come back
  world.pass(2500);
  CHECK_EQ(world.count("#1 ERR lost worker w1 is lost"), 1);
  CHECK(!world.cluster().may_fetch("w1", world.cluster().state().apps.at("web").current));
}

TEST(copy_a_worker_that_leaves_ends_it_at_once) {
  World world;
  world.join("w1");
  world.run_with_files("copy ./web", "web");
  world.hear("w1", "BYE");
  CHECK_EQ(world.count("#1 ERR lost worker w1 has left"), 1);
}

TEST(copy_orders_go_out_again_after_a_new_session_with_the_same_id) {
  World world;
  world.join("w1");
  world.run_with_files("copy ./web", "web");
  world.answer("w1", "PROBE", "OK");
  world.close("w1");
  world.open("w1");
  world.take();
  world.hear("w1", "SYNCED");
  CHECK_EQ(world.count("w1> INSTALL id=e.2 "), 1);
  CHECK_EQ(world.count("w1> PROBE"), 0);
}

// A worker that only talks cannot hold an app for ever.
TEST(copy_times_out_without_bytes_whatever_its_worker_says) {
  World world;
  world.join("w1");
  world.run_with_files("copy ./web", "web");
  world.answer("w1", "PROBE", "OK");
  world.pass(299'000, {"w1"});
  CHECK_EQ(world.count("#1 ERR"), 0);
  world.hear("w1", "PROGRESS id=" + world.order("w1", "INSTALL") + " done=1000000 total=1000000");
  world.pass(1000, {"w1"});
  CHECK_EQ(world.count("#1 ERR timeout worker w1 does not answer"), 1);
}

TEST(copy_cancelled_goes_on_and_is_finished_once) {
  World world;
  world.join("w1");
  world.run_with_files("copy ./web", "web");
  world.cancel(1);
  CHECK_EQ(world.count("#1 OK"), 1);
  world.answer("w1", "PROBE", "OK");
  world.answer("w1", "INSTALL", "OK");
  CHECK_EQ(world.count("#1 OK"), 1);
  CHECK(world.has("record INSTALLED app=web"));
}

TEST(copy_to_sets_of_workers_and_labels) {
  World world;
  for (const char* name : {"w1", "w2", "w3"}) world.join(name);
  world.hear("w2", "INFO label=rack=r1");
  world.run_with_files("copy ./web --to w[1-2]", "web");
  CHECK_EQ(world.count("w1> PROBE"), 1);
  CHECK_EQ(world.count("w2> PROBE"), 1);
  CHECK_EQ(world.count("w3> PROBE"), 0);
  world.take();
  world.run_with_files("copy ./api --to rack=r1", "api");
  CHECK_EQ(world.count("w1> PROBE"), 0);
  CHECK_EQ(world.count("w2> PROBE"), 1);
  world.take();
  world.run_with_files("copy ./api --to w9", "api");
  CHECK(world.has("ERR not-found no worker named w9"));
  world.run_with_files("copy ./api --to rack=r9", "api");
  CHECK(world.has("ERR not-found no worker has the label rack=r9"));
}

TEST(copy_another_content_is_another_version) {
  World world;
  world.join("w1");
  world.install("web", {"w1"});
  const std::string first = world.cluster().state().apps.at("web").current;
  world.run_with_files("copy ./web", "web", "2");
  CHECK(world.cluster().state().apps.at("web").current != first);
  CHECK_EQ(world.cluster().state().versions.size(), 2U);
}
