// worker/core/boot_hold.h - after a reboot nothing is started before a master was heard, or none
// was to be had for a while: this machine may be a copy of another, or its apps may have moved.
// Pure.
#pragma once

#include <cstdint>

#include "common/clock.h"
#include "worker/core/master_link.h"

namespace dm::worker {

class BootHold {
 public:
  static constexpr std::int64_t kPatienceMs = 30'000;

  // The machine has been booted since this worker ran last.
  void begin(Now now) { until_ms_ = now.mono_ms + kPatienceMs; }
  // A master is there, and has not let us in yet.
  void heard(Now now) {
    if (is_held() && until_ms_ != kNever) until_ms_ = now.mono_ms + kPatienceMs;
  }
  // It will not have us: another machine may be what we take ourselves for.
  void refused() {
    if (is_held()) until_ms_ = kNever;
  }
  // A master has let us in, or the time is over.
  void end() { until_ms_ = 0; }

  bool is_held() const { return until_ms_ != 0; }
  // When it ends by itself; kNever if it does not.
  std::int64_t deadline() const { return is_held() ? until_ms_ : kNever; }

 private:
  std::int64_t until_ms_ = 0;  // 0: nothing is held back
};

}  // namespace dm::worker
