// The table of a run's life, cell by cell where it matters, and as a whole.
#include "worker/core/run_state.h"

#include <set>

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;

namespace {

using enum RunState;
using A = RunAction;
using E = RunEvent;

constexpr RunState state_at(int i) {
  return static_cast<RunState>(i);
}
constexpr RunEvent event_at(int i) {
  return static_cast<RunEvent>(i);
}

bool leads(RunState from, RunEvent event, RunState next, RunAction action) {
  const RunStep taken = step(from, event);
  return taken.next == next && taken.action == action;
}

}  // namespace

TEST(run_state_has_no_state_without_a_way_to_its_end) {
  // From each state some sequence of events leads to kDown and from there to each other state.
  for (int from = 0; from < kRunStates; ++from) {
    std::set<RunState> reached = {state_at(from)};
    for (int round = 0; round < kRunStates; ++round)
      for (RunState state : std::set<RunState>(reached))
        for (int event = 0; event < kRunEvents; ++event)
          reached.insert(step(state, event_at(event)).next);
    CHECK(reached.contains(kDown));
    CHECK(reached.size() >= 6);  // kBackoff is entered by the policy, not by the table
  }
}

TEST(run_state_spawns_only_where_nothing_lives) {
  for (int state = 0; state < kRunStates; ++state)
    for (int event = 0; event < kRunEvents; ++event) {
      const RunStep taken = step(state_at(state), event_at(event));
      const bool idle = state_at(state) == kDown || state_at(state) == kBackoff;
      if (taken.action == A::kSpawn) CHECK(idle && taken.next == kSpawning);
      if (taken.next == kSpawning && state_at(state) != kSpawning) CHECK(taken.action == A::kSpawn);
      // An end is told exactly when something that may have lived goes down.
      CHECK_EQ(taken.action == A::kFinish, taken.next == kDown && !idle);
    }
}

TEST(run_state_every_living_state_ends_by_kill_and_exit) {
  for (RunState state : {kSpawning, kUp, kStopping, kDraining, kKilling}) {
    const RunStep killed = step(state, E::kKill);
    CHECK(killed.next == kKilling);
    CHECK(killed.action == (state == kKilling ? A::kNothing : A::kKillTree));
    CHECK(leads(kKilling, E::kEmpty, kDown, A::kFinish));
    CHECK(leads(kKilling, E::kExited, kDown, A::kFinish));
  }
  for (RunState state : {kSpawning, kUp, kStopping})
    CHECK(leads(state, E::kExited, kDown, A::kFinish));
}

TEST(run_state_stop_interrupts_once) {
  CHECK(leads(kUp, E::kStop, kStopping, A::kInterrupt));
  CHECK(leads(kSpawning, E::kStop, kStopping, A::kInterrupt));
  CHECK(leads(kStopping, E::kStop, kStopping, A::kNothing));
  CHECK(leads(kStopping, E::kStopTimeout, kKilling, A::kKillTree));
  for (RunState state : {kDown, kBackoff}) {
    CHECK(leads(state, E::kStop, kDown, A::kAlreadyDown));
    CHECK(leads(state, E::kKill, kDown, A::kAlreadyDown));
  }
}

TEST(run_state_survivors_are_asked_then_killed) {
  for (RunState state : {kSpawning, kUp, kStopping})
    CHECK(leads(state, E::kExitedLeft, kDraining, A::kTerminateTree));
  CHECK(leads(kDraining, E::kDrainTimeout, kKilling, A::kKillTree));
  CHECK(leads(kDraining, E::kEmpty, kDown, A::kFinish));
  // Whoever was killed with survivors: they too.
  CHECK(leads(kKilling, E::kExitedLeft, kKilling, A::kKillTree));
}

TEST(run_state_a_start_or_a_late_answer_disturbs_nothing_that_lives) {
  for (RunState state : {kSpawning, kUp, kStopping, kDraining, kKilling})
    for (RunEvent event : {E::kStart, E::kRetryDue}) CHECK(leads(state, event, state, A::kNothing));
  CHECK(leads(kUp, E::kSpawnFailed, kUp, A::kNothing));
  CHECK(leads(kUp, E::kStopTimeout, kUp, A::kNothing));
  CHECK(leads(kDown, E::kRetryDue, kDown, A::kNothing));
  // One that lives although its end is on record must not live on unseen.
  CHECK(leads(kDown, E::kSpawned, kKilling, A::kKillTree));
}

TEST(run_state_a_spawn_that_fails_is_an_end) {
  for (RunState state : {kSpawning, kStopping, kKilling})
    CHECK(leads(state, E::kSpawnFailed, kDown, A::kFinish));
}

TEST(run_state_words_are_the_contract) {
  CHECK_EQ(word(kDown), "dead");
  CHECK_EQ(word(kSpawning), "starting");
  CHECK_EQ(word(kUp), "running");
  CHECK_EQ(word(kStopping), "stopping");
  CHECK_EQ(word(kDraining), "stopping");
  CHECK_EQ(word(kKilling), "stopping");
  CHECK_EQ(word(kBackoff), "backoff");
}
