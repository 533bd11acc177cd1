#include "master/limits/rate_limit.h"

#include <utility>

namespace dm::master {

bool RateLimit::take(std::int64_t now_ms) {
  if (now_ms >= until_ms_) {
    until_ms_ = now_ms + pause_ms_;
    taken_ = 0;
  }
  if (taken_ < most_) {
    ++taken_;
    return true;
  }
  ++refused_;
  return false;
}

std::int64_t RateLimit::refused(std::int64_t now_ms) {
  return now_ms < until_ms_ ? 0 : std::exchange(refused_, 0);
}

}  // namespace dm::master
