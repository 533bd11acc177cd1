#include "master/core/samples.h"

namespace dm::master {
namespace {

constexpr std::int64_t kSampleMs = 10'000;
constexpr std::size_t kMostSamples = 360;  // one hour

}  // namespace

// Of the last reports, so that an instance at rest has its samples too.
void Samples::tick(Now now) {
  if (deadline() > now.mono_ms) return;
  next_mono_ms_ = now.mono_ms + kSampleMs;
  for (auto& [name, live] : reports_.edit_all()) {
    const auto placement = facts_.state.instances.find(name);
    if (placement == facts_.state.instances.end() || !live.pid) continue;
    const WorkerView* view = facts_.roster.find(placement->second.worker);
    if (view == nullptr || view->presence != Presence::kUp) continue;
    live.samples.push_back(
        {now.wall_ms, live.cpu_user_ms, live.cpu_system_ms, live.rss_bytes, live.cpu_percent});
    if (live.samples.size() > kMostSamples) live.samples.pop_front();
  }
}

}  // namespace dm::master
