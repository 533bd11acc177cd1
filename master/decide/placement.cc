#include "master/decide/placement.h"

#include <algorithm>
#include <tuple>

#include "common/units.h"

namespace dm::master {
namespace {

constexpr double kMostPercent = 95;
constexpr std::int64_t kLeastDiskBytes = 64LL * 1024 * 1024;

bool is_full(const WorkerView& worker) {
  return worker.cpu_percent.value_or(0) > kMostPercent || worker.mem_percent() > kMostPercent;
}

double expected_load(const WorkerView& worker) {
  const auto cpus = static_cast<double>(std::max<std::int64_t>(worker.cpus, 1));
  return worker.load() + 100.0 * static_cast<double>(worker.placed_since_beat) / cpus;
}

auto rank(const WorkerView& worker) {
  return std::tuple(expected_load(worker), worker.instances + worker.placed_since_beat,
                    std::string_view(worker.name));
}

}  // namespace

std::string refusal(const WorkerView& worker, Now now, std::int64_t heartbeat_ms) {
  if (worker.presence != Presence::kUp) return std::string(word(worker.presence));
  if (worker.cordoned) return "cordoned";
  if (now.mono_ms - worker.last_beat_mono_ms >= 2 * heartbeat_ms) return "beats are late";
  const bool nearly_full = worker.disk_free_bytes && *worker.disk_free_bytes < kLeastDiskBytes;
  if (worker.disk_low || nearly_full)
    return "disk nearly full (" + print_bytes(worker.disk_free_bytes.value_or(0)) + " free)";
  return "";
}

bool is_available(const WorkerView& worker, Now now, std::int64_t heartbeat_ms) {
  return refusal(worker, now, heartbeat_ms).empty();
}

const WorkerView* choose(const std::vector<const WorkerView*>& candidates, IfAllAreFull fallback) {
  const WorkerView* best = nullptr;
  for (const WorkerView* worker : candidates) {
    if (is_full(*worker) && fallback == IfAllAreFull::kNone) continue;
    const auto order = [](const WorkerView& view) { return std::pair(is_full(view), rank(view)); };
    if (best == nullptr || order(*worker) < order(*best)) best = worker;
  }
  return best;
}

const WorkerView* choose_anywhere(const Facts& facts, std::int64_t heartbeat_ms,
                                  const std::set<std::string>& but, IfAllAreFull fallback,
                                  Now now) {
  std::vector<const WorkerView*> candidates;
  for (const auto& [name, view] : facts.roster.all())
    if (facts.state.knows_worker(name) && !but.contains(name) && view.synced &&
        is_available(view, now, heartbeat_ms))
      candidates.push_back(&view);
  return choose(candidates, fallback);
}

}  // namespace dm::master
