// master/limits/least_rate.h - how slowly somebody may bring a file up. Pure: told what came and
// how long it was waited for.
#pragma once

#include <cstdint>

namespace dm::master {

class LeastRate {
 public:
  // About a modem: whoever means to bring a file up is faster, over any such time.
  static constexpr std::int64_t kBytesPerSecond = 4096;
  static constexpr std::int64_t kWindowMs = 30'000;

  // So many bytes have come after so long a wait for them; our own work is no wait. False: over
  // the last kWindowMs of waiting, or longer, it was less than kBytesPerSecond.
  [[nodiscard]] bool took(std::int64_t bytes, std::int64_t waited_ms);

 private:
  std::int64_t bytes_ = 0, waited_ms_ = 0;  // in this window
};

}  // namespace dm::master
