#include "master/core/samples.h"

#include <algorithm>

namespace dm::master {
namespace {

constexpr std::int64_t kSampleMs = 10'000;
constexpr std::size_t kMostSamples = 32;  // 640 bytes of each instance

UsageSample sample_of(const Live& live, Now now) {
  const auto small = [](const std::optional<std::int64_t>& value, std::int64_t unit) {
    const std::int64_t units = value.value_or(0) / unit;
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(units, 0, UINT32_MAX));
  };
  return {small(now.wall_ms, 1000), small(live.cpu_user_ms, 10), small(live.cpu_system_ms, 10),
          small(live.rss_bytes, 1024), static_cast<float>(live.cpu_percent.value_or(0))};
}

// The older half is thinned out: the last minutes stay as they are, and the hour before is there
// with fewer readings.
void make_room(std::vector<UsageSample>& samples) {
  if (samples.size() < kMostSamples) return;
  std::size_t kept = 0;
  for (std::size_t at = 0; at < samples.size(); ++at)
    if (at % 2 == 0 || at >= kMostSamples / 2) samples[kept++] = samples[at];
  samples.resize(kept);
}

}  // namespace

// Of the last reports, so that an instance at rest has its samples too.
void Samples::tick(Now now) {
  if (deadline() > now.mono_ms) return;
  next_mono_ms_ = now.mono_ms + kSampleMs;
  for (auto& [name, live] : reports_.edit_all()) {
    const auto placement = facts_.state.instances.find(name);
    if (placement == facts_.state.instances.end() || !live.pid || !live.rss_bytes) continue;
    const WorkerView* view = facts_.roster.find(placement->second.worker);
    if (view == nullptr || view->presence != Presence::kUp) continue;
    make_room(live.samples);
    live.samples.push_back(sample_of(live, now));
  }
}

}  // namespace dm::master
