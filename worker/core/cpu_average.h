// worker/core/cpu_average.h - how busy a machine has been lately, so that a burst of a second
// neither hides it from new work nor makes it look idle. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>

namespace dm::worker {

class CpuAverage {
 public:
  static constexpr std::int64_t kWindowMs = 30'000;

  // Takes a reading and returns the mean of those within the window, this one included.
  double add(std::int64_t mono_ms, double percent) {
    readings_.emplace_back(mono_ms, percent);
    while (readings_.front().first <= mono_ms - kWindowMs) readings_.pop_front();
    double sum = 0;
    for (const auto& reading : readings_) sum += reading.second;
    return sum / static_cast<double>(readings_.size());
  }

 private:
  std::deque<std::pair<std::int64_t, double>> readings_;
};

}  // namespace dm::worker
