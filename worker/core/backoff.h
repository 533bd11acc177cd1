// worker/core/backoff.h - how long to wait before the next try. Pure: never reads a clock.
#pragma once

#include <cstdint>

#include "common/random.h"

namespace dm::worker {

// Restarts of an app: the first at once; then 1 s doubling to 60 s, each +-25 %; a run that lived
// for 60 s makes everything as at the beginning.
class RestartBackoff {
 public:
  // Milliseconds from the end of a run that lived `lived_ms` until the next start.
  std::int64_t next(std::int64_t lived_ms, Random& random);
  // The same, but the longest pause from now on, until a run lives for 60 s.
  std::int64_t longest(Random& random);
  void reset() { failures_ = 0; }

 private:
  int failures_ = 0;
};

// Connecting to the master: 0.1 s doubling to 5 s, each between half of it and the whole, so that
// many workers do not come at one moment.
class ReconnectBackoff {
 public:
  std::int64_t next(Random& random);
  void reset() { tries_ = 0; }

 private:
  int tries_ = 0;
};

}  // namespace dm::worker
