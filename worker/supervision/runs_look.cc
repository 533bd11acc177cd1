// Who belongs to which run is noted while it can be seen: a process that leaves its session, its
// environment and its cgroup, and whose parents have ended, is nobody's any more.
#include <algorithm>

#include "worker/supervision/runs.h"

namespace dm::supervisor {
namespace {

constexpr std::int64_t kLookMs = 1000;     // between two looks while something lives
constexpr std::int64_t kFreshMs = 20;      // so old may a look be before a signal
constexpr std::int64_t kLookShare = 50;    // a look is followed by so many times its own duration
constexpr std::int64_t kSignalShare = 10;  // likewise before signals, which may come in thousands

}  // namespace

void Runs::look() {
  const std::int64_t begun_ms = machine_.now().mono_ms;
  machine_.look();
  looked_ms_ = machine_.now().mono_ms;
  look_cost_ms_ = looked_ms_ - begun_ms;
}

void Runs::look_before_signal() {
  const std::int64_t age_ms = machine_.now().mono_ms - looked_ms_;
  if (age_ms >= std::max(kFreshMs, kSignalShare * look_cost_ms_)) look();
}

void Runs::look_again() {
  if (will_look_ || table_.all_ended()) return;
  will_look_ = true;
  const std::int64_t wait_ms = std::max(kLookMs, kLookShare * look_cost_ms_);
  machine_.at(machine_.now().mono_ms + wait_ms, [this] {
    will_look_ = false;
    look();
    tell_orphans();
    look_again();
  });
}

void Runs::tell_orphans() {
  std::vector<std::string> orphans = machine_.orphans();
  if (orphans == orphans_) return;
  orphans_ = std::move(orphans);
  lines_.announce(orphans_line(orphans_));
}

}  // namespace dm::supervisor
