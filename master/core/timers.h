// master/core/timers.h - the core's own deadlines: one time for each kind of work that is due
// later. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/clock.h"

namespace dm::master {

class Timers {
 public:
  enum class Work : std::size_t { kReconcile, kPrune, kFailover, kCount };
  static constexpr std::int64_t kNever = INT64_MAX;

  // The time in effect is the earlier one.
  void at_latest(Work work, std::int64_t mono_ms) { slot(work) = std::min(slot(work), mono_ms); }
  void set(Work work, std::int64_t mono_ms) { slot(work) = mono_ms; }
  // True once for a time that has come.
  bool take_due(Work work, Now now) {
    if (slot(work) > now.mono_ms) return false;
    slot(work) = kNever;
    return true;
  }
  std::int64_t earliest() const { return *std::min_element(times_.begin(), times_.end()); }

  // What did not succeed is tried again; what ended may have become too old to be kept.
  void reconcile_soon(Now now) { at_latest(Work::kReconcile, now.mono_ms + 5000); }
  void prune_soon(Now now) { at_latest(Work::kPrune, now.mono_ms + 5000); }

 private:
  std::int64_t& slot(Work work) { return times_[static_cast<std::size_t>(work)]; }

  std::array<std::int64_t, static_cast<std::size_t>(Work::kCount)> times_{kNever, kNever, kNever};
};

}  // namespace dm::master
