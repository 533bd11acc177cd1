// master/core/slices.h - a command over many instances works in slices: between two of them beats
// are read and sent, and other operators are answered.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

#include "common/clock.h"

namespace dm::master {

class Slices {
 public:
  // Does one piece of work; false once nothing is left.
  using Step = std::function<bool(Now)>;

  // The first slice is done at once.
  void run(Step step, Now now) {
    if (do_slice(step, now)) waiting_.push_back(std::move(step));
  }
  // One slice of each that waits.
  void tick(Now now) {
    for (std::size_t left = waiting_.size(); left > 0; --left) {
      Step step = std::move(waiting_.front());
      waiting_.pop_front();
      if (do_slice(step, now)) waiting_.push_back(std::move(step));
    }
  }
  std::int64_t deadline() const { return waiting_.empty() ? INT64_MAX : 0; }

 private:
  static constexpr int kSteps = 100;
  static bool do_slice(const Step& step, Now now) {
    for (int done = 0; done < kSteps; ++done)
      if (!step(now)) return false;
    return true;
  }

  std::deque<Step> waiting_;
};

}  // namespace dm::master
