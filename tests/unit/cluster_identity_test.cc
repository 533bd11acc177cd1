// One id is one worker: renames, second machines with the same id, the secret that proves it.
#include "master/state/snapshot.h"
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

const std::string kId(32, 'a');
const std::string kPad(64, '5');
const std::string kHidden(64, '6');  // 3 under the pad

SessionOpened hello(const std::string& name, const std::string& boot, bool has_key = false,
                    bool is_identified = false) {
  SessionOpened opened;
  opened.name = name;
  opened.id = kId;
  opened.boot = boot;
  opened.has_key = has_key;
  opened.is_identified = is_identified;
  if (has_key) opened.identity_pad = kPad;
  return opened;
}

void beat(World& world, const std::string& name) {
  world.hear(name, "SYNCED");
  world.hear(name, "HEARTBEAT seq=1 cpu=10");
}

// w1 with web.1, gone again.
World with_gone(bool has_key, bool enrolls) {
  World world;
  world.open(hello("w1", "b1", has_key));
  if (enrolls) world.hear("w1", "INFO identity=" + kHidden);
  beat(world, "w1");
  world.install("web", {"w1"});
  world.launch("web", "w1", " --restart always");
  world.close("w1");
  world.take();
  return world;
}

}  // namespace

TEST(identity_without_keys_the_id_alone_renames) {
  World world = with_gone(false, false);
  world.open(hello("w2", "b1"));
  CHECK(world.has("record RENAMED worker=w1 name=w2 id=" + kId));
  CHECK(world.has("w2> WELCOME"));
  world.hear("w2", "INSTANCE instance=web.1 desired=running state=sleeping run=1 pid=77");
  beat(world, "w2");
  const State& state = world.cluster().state();
  CHECK(!state.knows_worker("w1"));
  CHECK_EQ(state.instances.at("web.1").worker, "w2");
  CHECK_EQ(state.placed_on("w1").size(), 0U);
  CHECK(state.versions.begin()->second.installed_on.contains("w2"));
  CHECK_EQ(world.state_of("web.1"), "sleeping");
  CHECK_EQ(world.count("w2> LAUNCH"), 0);
  // The next master knows it so, from the records and from their snapshot.
  const State before = state;
  world.restart();
  CHECK(world.cluster().state() == before);
  State again;
  for (const Line& record : snapshot(before)) CHECK(again.apply(record).has_value());
  CHECK(again == before);
}

TEST(identity_with_keys_only_the_secret_renames) {
  World world = with_gone(true, true);
  CHECK_EQ(world.cluster().identity_of(kId), std::string(64, '3'));
  world.open(hello("w2", "b1", true, false));
  CHECK(
      world.has("w2> ERR code=denied msg=the%20id%20aaaaaaaaaaaa%20is%20that%20of%20worker%20w1"));
  CHECK(world.has("--new-identity"));
  world.open(hello("w1", "b1", true, false));
  CHECK(world.has("w1> ERR code=denied"));
  world.take();
  world.open(hello("w2", "b1", true, true));
  CHECK(world.has("record RENAMED worker=w1 name=w2"));
  CHECK(world.has("identity=known"));
  // It is nobody's to see.
  for (const char* look : {"describe w2", "workers --json", "events -n 1000", "describe w2 --json"})
    CHECK(world.print(look).find("3333") == std::string::npos);
}

TEST(identity_that_was_never_enrolled_is_renamed_by_an_admin) {
  World world = with_gone(true, false);
  world.open(hello("w2", "b1", true));
  CHECK(world.has("w2> ERR code=exists"));
  CHECK(world.has("workers%20rename%20w1%20w2"));
  world.run("workers rename w1 all");
  CHECK(world.has("ERR bad-arg"));
  world.run("workers rename w9 w2");
  CHECK(world.has("ERR not-found"));
  world.take();
  world.run("workers rename w1 w2");
  CHECK(world.has("record RENAMED worker=w1 name=w2"));
  CHECK_EQ(world.cluster().state().instances.at("web.1").worker, "w2");
  world.open(hello("w2", "b1", true));
  CHECK(world.has("identity=enroll"));
  world.hear("w2", "INFO identity=" + kHidden);
  CHECK_EQ(world.cluster().identity_of(kId), std::string(64, '3'));
  beat(world, "w2");
  world.run("workers rename w2 w3");
  CHECK(world.has("ERR busy worker w2 is connected"));
}

TEST(identity_a_second_machine_is_refused_while_the_first_is_here) {
  for (const char* name : {"w1", "w2"}) {
    World world;
    world.open(hello("w1", "boot-1"));
    beat(world, "w1");
    world.take();
    world.open(hello(name, "boot-2"));
    CHECK(world.has("> ERR code=exists"));
    CHECK(world.has("boot%20boot-1"));
    CHECK(world.has("boot%20boot-2"));
    CHECK(world.has("dm-worker%20--new-identity"));
    CHECK_EQ(world.count("record RENAMED"), 0);
    CHECK_EQ(world.cluster().workers().size(), 1U);
    // It died with its machine, which is back.
    world.pass(3000);
    world.open(hello(name, "boot-2"));
    CHECK(world.has("> WELCOME"));
  }
}

TEST(identity_the_same_machine_takes_its_session_over_and_that_is_told) {
  World world;
  world.open(hello("w1", "boot-1"));
  beat(world, "w1");
  world.take();
  world.open(hello("w1", "boot-1"));
  CHECK(world.has("w1> WELCOME"));
  CHECK(world.has("say worker w1: a session from 10.0.0.1:2 replaces the one from 10.0.0.1:1"));
}

TEST(identity_a_name_that_is_taken_is_no_rename) {
  World world = with_gone(false, false);
  world.join("w2");
  world.close("w2");
  world.take();
  world.open(hello("w2", "b1"));
  CHECK(world.has("w2> ERR code=exists msg=the%20name%20w2%20belongs%20to%20another%20worker"));
}

// It may be in any order with the sessions and orders of the old name.
TEST(identity_a_rename_ends_what_was_on_its_way) {
  World world = with_gone(false, false);
  const RequestId stop = world.run("stop web.1");
  world.open(hello("w2", "b1"));
  CHECK(world.has("#" + std::to_string(stop) + " ERR lost"));
  world.hear("w2", "INSTANCE instance=web.1 desired=running state=sleeping run=1 pid=77");
  world.take();
  world.hear("w2", "SYNCED");
  CHECK_EQ(world.count("w2> STOP"), 1);
}
