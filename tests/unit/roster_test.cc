#include "master/decide/placement.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::master;

namespace {

constexpr std::int64_t kMiB = 1024 * 1024;

WorkerView worker(const std::string& name, double cpu, std::int64_t mem_percent) {
  WorkerView view;
  view.name = name;
  view.presence = Presence::kUp;
  view.last_beat_mono_ms = 1000;
  view.cpu_percent = cpu;
  view.mem_used_bytes = mem_percent;
  view.mem_total_bytes = 100;
  view.cpus = 4;
  return view;
}

std::string chosen(const std::vector<WorkerView>& workers,
                   IfAllAreFull fallback = IfAllAreFull::kNone) {
  State state;
  Roster roster;
  for (const WorkerView& view : workers) {
    state.workers[view.name] = {};
    WorkerView& added = roster.add(view.name);
    added = view;
    added.synced = true;
    roster.rank(added);
  }
  const Reports reports;
  const Underway underway;
  const LeaseTable leases;
  const Facts facts{state, roster, reports, underway, leases};
  const WorkerView* best = choose_anywhere(facts, 1000, {}, fallback, Now{2000, 0});
  return best == nullptr ? "none" : best->name;
}

}  // namespace

TEST(roster_load_is_the_harmonic_mean) {
  CHECK_EQ(combined_load(0, 0), 0.0);
  CHECK_EQ(combined_load(0, 80), 0.0);
  CHECK_EQ(combined_load(50, 50), 50.0);
  CHECK_EQ(combined_load(12.5, 50), 20.0);
  CHECK_EQ(combined_load(100, 100), 100.0);
  CHECK_EQ(worker("w", 12.5, 50).load(), 20.0);
  CHECK_EQ(WorkerView().load(), 0.0);
}

TEST(roster_chooses_the_least_loaded) {
  CHECK_EQ(chosen({}), "none");
  CHECK_EQ(chosen({worker("a", 50, 50), worker("b", 10, 10), worker("c", 20, 20)}), "b");
}

TEST(roster_ties_go_to_fewer_instances_then_by_name) {
  CHECK_EQ(chosen({worker("b", 10, 10), worker("a", 10, 10)}), "a");
  WorkerView busy = worker("a", 10, 10);
  busy.instances = 3;
  CHECK_EQ(chosen({busy, worker("b", 10, 10)}), "b");
}

TEST(roster_what_was_placed_since_the_last_beat_counts) {
  WorkerView burst = worker("a", 10, 10);
  burst.placed_since_beat = 1;  // of four processors: 25 % more
  CHECK_EQ(chosen({burst, worker("b", 30, 30)}), "b");
  CHECK_EQ(chosen({burst, worker("b", 40, 40)}), "a");
  burst.cpus = 0;  // not said: one
  CHECK_EQ(chosen({burst, worker("b", 90, 90)}), "b");
}

TEST(roster_follows_what_is_placed_and_who_goes) {
  Roster roster;
  for (const char* name : {"a", "b"}) {
    WorkerView& added = roster.add(name);
    added = worker(name, 10, 10);
    added.synced = true;
    roster.rank(added);
  }
  CHECK_EQ(roster.ranked().begin()->name, "a");
  roster.place_on("a");
  CHECK_EQ(roster.ranked().begin()->name, "b");
  roster.remove("b");
  CHECK_EQ(roster.ranked().size(), 1u);
  roster.edit("a")->presence = Presence::kLost;
  roster.rank(*roster.find("a"));
  CHECK(roster.ranked().empty());
}

TEST(roster_the_full_are_not_chosen) {
  CHECK_EQ(chosen({worker("a", 95.1, 1)}), "none");
  CHECK_EQ(chosen({worker("a", 1, 96)}), "none");
  CHECK_EQ(chosen({worker("a", 95, 95)}), "a");
  CHECK_EQ(chosen({worker("a", 96, 1), worker("b", 94, 94)}), "b");
}

TEST(roster_the_full_are_chosen_for_what_must_go_somewhere) {
  const WorkerView full = worker("a", 99, 50), fuller = worker("b", 99, 90),
                   free = worker("c", 90, 90);
  CHECK_EQ(chosen({fuller, full}, IfAllAreFull::kLeastLoaded), "a");
  CHECK_EQ(chosen({full, fuller, free}, IfAllAreFull::kLeastLoaded), "c");
}

TEST(roster_available_is_up_in_time_not_cordoned_with_room) {
  WorkerView view = worker("a", 10, 10);
  const Now now{2999, 0};
  CHECK(is_available(view, now, 1000));
  CHECK_EQ(refusal(view, Now{3000, 0}, 1000), "beats are late");
  view.cordoned = true;
  CHECK_EQ(refusal(view, now, 1000), "cordoned");
  view.cordoned = false;
  view.disk_free_bytes = 63 * kMiB;
  CHECK_EQ(refusal(view, now, 1000), "disk nearly full (63 MiB free)");
  // With a floor of its own, which may be none, the worker knows best.
  view.tells_disk = true;
  CHECK_EQ(refusal(view, now, 1000), "");
  view.cannot_run = "/w/apps is mounted noexec";
  CHECK_EQ(refusal(view, now, 1000), "unable to run anything (/w/apps is mounted noexec)");
  view.cannot_run.clear();
  view.tells_disk = false;
  view.disk_free_bytes = 64 * kMiB;
  CHECK_EQ(refusal(view, now, 1000), "");
  for (Presence presence : {Presence::kSuspect, Presence::kLost, Presence::kLeft}) {
    view.presence = presence;
    CHECK_EQ(refusal(view, now, 1000), word(presence));
    CHECK(!is_available(view, now, 1000));
  }
}

TEST(roster_lost_within_three_intervals) {
  CHECK_EQ(lost_after_ms(1000), 2500);
  CHECK_EQ(lost_after_ms(100), 250);
}

TEST(roster_words_are_the_contract) {
  CHECK_EQ(word(Presence::kUp), "up");
  CHECK_EQ(word(Presence::kSuspect), "suspect");
  CHECK_EQ(word(Presence::kLost), "lost");
  CHECK_EQ(word(Presence::kLeft), "left");
}
