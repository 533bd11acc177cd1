// master/decide/moves.h - which instances leave their worker: it was lost, or they keep crashing
// there. Pure.
#pragma once

#include <string>

#include "common/clock.h"
#include "master/decide/facts.h"

namespace dm::master {

inline constexpr int kMostMoves = 3;    // in a row, each followed by the loss of the new worker
inline constexpr int kMostCrashes = 5;  // in a row on one worker

// It may be launched elsewhere when its worker is lost. REQUIRES, here and below, that it is
// recorded.
bool is_movable(const Facts& facts, const std::string& name);
// It has crashed so often where it is that another worker may do better.
bool should_try_elsewhere(const Facts& facts, const std::string& name);

enum class Loss {
  kBeforeItBegan,  // no fault of the instance
  kSoon,           // its worker was lost soon after its start there
  kLate,           // or said goodbye
};
Loss loss_of(const Facts& facts, const Placement& placement, Now now);
// An app that kills its host must not be carried from one to the next.
bool is_to_be_quarantined(const Facts& facts, const Placement& placement, Now now);

enum class MoveReason { kWorkerLost, kCrashes };
// The instance that replaces `old`, which is called `name`, on another worker.
Placement replacement_of(const Facts& facts, const std::string& name, const std::string& worker,
                         MoveReason reason, Now now);

}  // namespace dm::master
