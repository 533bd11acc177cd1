// worker/core/sample_turns.h - whose figures are measured next: new runs soon, the others in turns,
// so that a worker with thousands of apps spends little on it. One measurement is under way at a
// time. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "worker/core/effects.h"
#include "worker/core/instance.h"

namespace dm::worker {

class SampleTurns {
 public:
  static constexpr std::size_t kMost = 256;    // instances with a cgroup in one measurement
  static constexpr std::int64_t kSoonMs = 50;  // a new run waits so long for its first one
  static constexpr std::int64_t kShare = 50;   // a turn takes a fiftieth of the time
  static constexpr std::int64_t kLongestMs = 10'000;

  // A run has begun.
  void began(const std::string& instance, Now now);
  // The next turn is due now: somebody new is to be told.
  void hurry(Now now);

  // When take() is to be called; kNever while a measurement is under way.
  std::int64_t next() const;

  // Whom to measure now. Without a cgroup all are measured in one pass over the processes of the
  // machine, in each turn; of a new run its main process alone until then.
  TakeSample take(const std::map<std::string, Instance>& instances, Now now);
  // The measurement is over and took that long; turns come no faster than every `beat_ms`.
  void taken(std::int64_t took_ms, std::int64_t beat_ms, Now now);

 private:
  using Instances = std::map<std::string, Instance>;
  void add_turn(const Instances& instances, TakeSample& sample);

  std::set<std::string> fresh_;
  std::int64_t fresh_ms_ = kNever, turn_ms_ = 0;
  std::string last_;  // of the last turn
  bool is_under_way_ = false, is_turn_ = false;
};

}  // namespace dm::worker
