// master/decide/install_deadline.h - how long an INSTALL may go on by its worker's word. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

namespace dm::master {

struct InstallProgress {
  std::int64_t since_mono_ms = 0;  // it was ordered
  std::int64_t now_mono_ms = 0;
  std::int64_t patience_ms = 0;  // without a word
  std::int64_t done = 0;         // bytes, as its worker says
  std::int64_t size = 0;         // bytes, as we know
};

// Until the next word is due: never later than what was done would have taken at kLeastRate, so
// that a worker which only talks cannot hold an app for ever.
inline std::int64_t install_deadline(const InstallProgress& progress) {
  constexpr std::int64_t kLeastRate = 4096;  // bytes a second
  const std::int64_t done =
      std::clamp<std::int64_t>(progress.done, 0, std::max<std::int64_t>(progress.size, 0));
  const std::int64_t latest =
      progress.since_mono_ms + progress.patience_ms + done / kLeastRate * 1000;
  return std::min(progress.now_mono_ms + progress.patience_ms, latest);
}

}  // namespace dm::master
