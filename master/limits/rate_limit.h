// master/limits/rate_limit.h - so many of one kind, and then a pause: how often somebody may make
// the master write something down. What is beyond that is counted. Pure.
#pragma once

#include <cstdint>

namespace dm::master {

class RateLimit {
 public:
  RateLimit(std::int64_t most, std::int64_t pause_ms) : most_(most), pause_ms_(pause_ms) {}

  // True for the first `most` of a span, which begins with the first of them and lasts `pause_ms`.
  bool take(std::int64_t now_ms);
  // How many were refused since this was asked last; 0 until the span in which that was is over.
  std::int64_t refused(std::int64_t now_ms);
  // When refused() has something to say; INT64_MAX if it has not.
  std::int64_t deadline() const { return refused_ > 0 ? until_ms_ : INT64_MAX; }

 private:
  std::int64_t most_, pause_ms_;
  std::int64_t until_ms_ = INT64_MIN, taken_ = 0, refused_ = 0;
};

}  // namespace dm::master
