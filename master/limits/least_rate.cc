#include "master/limits/least_rate.h"

namespace dm::master {

bool LeastRate::took(std::int64_t bytes, std::int64_t waited_ms) {
  bytes_ += bytes;
  waited_ms_ += waited_ms;
  if (waited_ms_ < kWindowMs) return true;
  const bool enough = bytes_ >= waited_ms_ * kBytesPerSecond / 1000;
  bytes_ = waited_ms_ = 0;
  return enough;
}

}  // namespace dm::master
