// An old copy of the journal: no orders, no ends taken, until an operator begins a new epoch.
#include "master/state/snapshot.h"
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

// The epoch is of no start that the journal of a World speaks of.
constexpr std::string_view kFuture = "INFO os=Linux epoch=9-future";

}  // namespace

TEST(fence_gives_no_orders_to_anybody) {
  World world = with_web({"w1", "w2"});
  world.launch("web", "w1", " --restart always");
  world.run("stop web.1");
  world.restart();
  world.take();
  world.open("w2");
  world.hear("w2", kFuture);
  world.hear("w2", "SYNCED");
  world.open("w1");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=sleeping run=1 pid=77");
  world.hear("w1", "SYNCED");
  CHECK_EQ(world.count("w1> STOP"), 0);
  world.run("launch web");
  CHECK(world.has("ERR denied worker w2 has obeyed epoch 9-future"));
}

TEST(fence_takes_no_ends_from_the_right_journal) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  world.restart();
  world.open("w1");
  world.hear("w1", kFuture);
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=dead run=1 restarts=0");
  world.take();
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=0 reason=exit%20code%200");
  CHECK_EQ(world.count("w1> ACK"), 0);
  CHECK_EQ(world.count("record ENDED"), 0);
}

TEST(fence_leaves_no_deadline_in_the_past) {
  World world = with_web({"w1", "w2", "w3"});
  world.run("launch web --restart always");
  world.answer("w1", "LAUNCH", "OK pid=7 run=1");
  world.restart();
  world.join("w2");
  world.join("w3");
  world.pass(5000, {"w2", "w3"});
  world.hear("w2", kFuture);
  // w1 stays away for longer than anybody waits before its instances are moved.
  for (int minute = 0; minute < 5; ++minute) {
    world.now.mono_ms += 60'000;
    for (int ticks = 0; ticks < 100; ++ticks)
      if (world.cluster().next_deadline() <= world.now.mono_ms) world.feed(Tick{});
    CHECK(world.cluster().next_deadline() > world.now.mono_ms);
  }
}

TEST(fence_a_new_epoch_begins_no_run_that_a_worker_has_had) {
  World world = with_web({"w1"});
  world.launch("web", "w1", " --restart always");
  // The stop was promised by a journal that is not here any more.
  world.restart();
  world.return_with("w1", "INSTANCE instance=web.1 desired=stopped state=dead run=4 restarts=3");
  CHECK_EQ(world.count("w1> LAUNCH"), 1);
  CHECK(world.has("record DESIRED instance=web.1 desired=running run=5"));
  CHECK(world.has(" run=5 restart=always"));
}

// Whoever has a worker's key can claim anything: he must not be able to stay.
TEST(fence_lets_a_liar_be_thrown_out) {
  World world = with_web({"w1", "w2"});
  world.restart();
  world.open("w2");
  world.hear("w2", kFuture);
  world.hear("w2", "SYNCED");
  world.hear("w2", "HEARTBEAT seq=1");
  CHECK(
      world.has("start dm-master with --new-epoch if this journal is the newer one all the same; "
                "if w2 is not to be believed, 'workers revoke w2' lifts this"));
  for (const char* look : {"workers", "ps --all", "usage", "events", "describe w2", "names",
                           "version", "failover", "help"})
    CHECK(!world.print(look).empty());
  world.run("failover resume");
  CHECK(world.has("ERR denied worker w2 has obeyed epoch 9-future"));
  world.take();
  const RequestId revoke = world.run("workers revoke w2");
  CHECK(world.has("record REVOKE name=w2 generation=2"));
  CHECK(world.has("w2 closed: its key was revoked"));
  CHECK(world.has("keys changed"));
  CHECK(world.has("#" + std::to_string(revoke) + " OK"));
  // What it had said by then counts no more.
  world.take();
  world.hear("w2", "HEARTBEAT seq=2");
  world.hear("w2", "FROB id=z");
  CHECK_EQ(world.count("w2> "), 0);
  const RequestId forget = world.run("workers forget w2");
  CHECK(world.has("#" + std::to_string(forget) + " OK"));
  CHECK(!world.cluster().state().workers.contains("w2"));
  // Nobody is left who claims it.
  world.run("launch web --on w1");
  CHECK(!world.has("ERR denied"));
}

TEST(fence_quotes_only_so_much_of_a_claim) {
  World world = with_web({"w1"});
  world.open("w1");
  world.hear("w1", "INFO epoch=" + std::string(60'000, '9') + "-x");
  CHECK(!world.cluster().state().fence.empty());
  CHECK(world.cluster().state().fence.size() < 512);
}

TEST(sessions_end_with_the_key_that_opened_them) {
  World world = with_web({"w1"});
  // One that has only its name so far leaves nothing behind.
  world.open("new");
  world.run("workers revoke new");
  CHECK(world.has("new closed: its key was revoked"));
  CHECK(!world.cluster().workers().contains("new"));
  world.run("workers revoke w1");
  CHECK_EQ(world.cluster().workers().at("w1").session, 0U);
  CHECK(world.print("workers").find("suspect") != std::string::npos);
}

// One stolen key must not stop a cluster: only a master can have issued the epoch.
TEST(fence_is_raised_by_a_sealed_claim_alone) {
  World world = with_web({"w1", "w2"});
  world.set_secret("ours");
  for (const std::string& claim : {std::string(kFuture), World::claim("9-future", "guessed"),
                                   "INFO epoch=999-dead record=7 seal=" + std::string(32, '0')}) {
    world.open("w2");
    world.take();
    world.hear("w2", claim);
    CHECK(world.has("say worker w2 claims to have obeyed epoch 9"));
    CHECK(world.cluster().state().fence.empty());
  }
  world.hear("w2", World::claim("9-future", "ours"));
  CHECK(!world.cluster().state().fence.empty());
}

TEST(fence_seal_is_given_with_welcome) {
  World world = with_web({"w1"});
  world.open("w1");
  CHECK(!world.has("seal="));
  world.set_secret("ours");
  world.open("w1");
  CHECK(world.has("missed=2 record="));
  CHECK(world.has(" seal="));
}

TEST(fence_lets_operators_stop_and_kill) {
  World world = with_web({"w1", "w2"});
  const std::string web = world.launch("web", "w1", " --restart always");
  world.hear("w2", kFuture);
  world.take();
  const RequestId stop = world.run("stop " + web);
  world.answer("w1", "STOP", "OK reason=stopped");
  CHECK(world.has("#" + std::to_string(stop) + " OK"));
  world.run("kill " + web);
  world.run("start " + web);
  CHECK(world.has("ERR denied worker w2 has obeyed"));
}

TEST(fence_lets_living_singletons_keep_their_leases) {
  World world = with_web({"w1", "w2"});
  const std::string web = world.launch("web", "w1", " --singleton --restart always");
  world.hear("w2", kFuture);
  world.take();
  world.hear("w1", "HEARTBEAT seq=2");
  CHECK_EQ(world.count("w1> LEASE beat=2 instance=" + web), 1);
  // Of one that has ended another may live of which this journal does not know.
  world.hear("w1", "INSTANCE instance=" + web + " desired=running state=dead run=1 restarts=0");
  world.take();
  world.hear("w1", "HEARTBEAT seq=3");
  CHECK_EQ(world.count("w1> LEASE"), 0);
}

TEST(fence_stays_while_one_witness_is_left) {
  World world = with_web({"w1", "w2", "w3"});
  world.set_secret("ours");
  world.hear("w2", World::claim("9-future", "ours"));
  world.hear("w3", World::claim("9-future", "ours"));
  world.run("workers revoke w2");
  CHECK(!world.cluster().state().fence.empty());
  world.restart();
  CHECK(!world.cluster().state().fence.empty());
  world.open("w1");
  world.take();
  world.run("workers revoke w3");
  CHECK(world.cluster().state().fence.empty());
  // What was not taken meanwhile is told anew.
  CHECK(world.has("w1 closed: the fence is lifted"));
  CHECK(snapshot(world.cluster().state()).size() > 0);
}
