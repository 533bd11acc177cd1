// worker/core/run_state.h - the life of one instance as a table: what to do on which event in
// which state. Pure; the caller performs the action.
#pragma once

#include <string_view>

namespace dm::worker {

enum class RunState {
  kDown,      // no process; dead or stopped
  kSpawning,  // asked of the supervisor, not answered
  kUp,        // the main process lives
  kStopping,  // SIGINT was sent; waiting
  kDraining,  // the main process has ended, survivors of its tree have SIGTERM
  kKilling,   // SIGKILL was sent to the tree
  kBackoff,   // waiting for the next try
};
inline constexpr int kRunStates = 7;

enum class RunEvent {
  kStart,        // an operator's launch or start
  kRetryDue,     // the back-off is over
  kSpawned,      // exec has succeeded
  kSpawnFailed,  // and here it has not
  kExited,       // the main process has ended and left nothing
  kExitedLeft,   // the main process has ended, survivors live
  kEmpty,        // the last survivor has ended
  kStop,
  kKill,
  kStopTimeout,
  kDrainTimeout,
};
inline constexpr int kRunEvents = 11;

enum class RunAction {
  kNothing,
  kSpawn,
  kReport,         // the run lives: say its pid
  kInterrupt,      // SIGINT to the process group
  kTerminateTree,  // SIGTERM to what is left
  kKillTree,       // SIGKILL to the whole tree
  kFinish,         // the run is over: report its end, then let the policy decide
  kAlreadyDown,    // nothing to stop: answer so
};

struct RunStep {
  RunState next;
  RunAction action;
};

RunStep step(RunState state, RunEvent event);

// "starting", "running", ...: the word where the kernel's own state is not known.
std::string_view word(RunState state);

}  // namespace dm::worker
