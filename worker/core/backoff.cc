#include "worker/core/backoff.h"

#include <algorithm>

namespace dm::worker {
namespace {

constexpr std::int64_t kRestartFirstMs = 1000;
constexpr std::int64_t kRestartMostMs = 60'000;
constexpr int kFailuresToMost = 7;  // then the pause is the longest
constexpr std::int64_t kStableMs = 60'000;
constexpr std::int64_t kReconnectFirstMs = 100;
constexpr std::int64_t kReconnectMostMs = 5000;

// `first` doubled `times` times, at most `most`.
std::int64_t doubled(std::int64_t first, int times, std::int64_t most) {
  return std::min(most, first << std::min(times, 16));
}

}  // namespace

std::int64_t RestartBackoff::next(std::int64_t lived_ms, Random& random) {
  if (lived_ms >= kStableMs) failures_ = 0;
  const int failure = failures_++;
  if (failure == 0) return 0;
  const auto base = static_cast<double>(doubled(kRestartFirstMs, failure - 1, kRestartMostMs));
  return static_cast<std::int64_t>(base * (0.75 + 0.5 * random.unit()));
}

std::int64_t RestartBackoff::longest(Random& random) {
  failures_ = std::max(failures_, kFailuresToMost);
  return next(0, random);
}

std::int64_t ReconnectBackoff::next(Random& random) {
  const auto base = static_cast<double>(doubled(kReconnectFirstMs, tries_++, kReconnectMostMs));
  return static_cast<std::int64_t>(base * (0.5 + 0.5 * random.unit()));
}

}  // namespace dm::worker
