#include "master/decide/placement.h"

#include "common/units.h"

namespace dm::master {
namespace {

constexpr std::int64_t kLeastDiskBytes = 64LL * 1024 * 1024;

}  // namespace

std::string refusal(const WorkerView& worker, Now now, std::int64_t heartbeat_ms) {
  if (worker.presence != Presence::kUp) return std::string(word(worker.presence));
  if (worker.cordoned) return "cordoned";
  if (now.mono_ms - worker.last_beat_mono_ms >= 2 * heartbeat_ms) return "beats are late";
  if (!worker.cannot_run.empty()) return "unable to run anything (" + worker.cannot_run + ")";
  // For a worker that does not say what it takes for too little.
  const bool nearly_full =
      !worker.tells_disk && worker.disk_free_bytes && *worker.disk_free_bytes < kLeastDiskBytes;
  if (worker.disk_low || nearly_full)
    return "disk nearly full (" + print_bytes(worker.disk_free_bytes.value_or(0)) + " free)";
  return "";
}

bool is_available(const WorkerView& worker, Now now, std::int64_t heartbeat_ms) {
  return refusal(worker, now, heartbeat_ms).empty();
}

const WorkerView* choose_anywhere(const Facts& facts, std::int64_t heartbeat_ms,
                                  const std::set<std::string>& but, IfAllAreFull fallback,
                                  Now now) {
  for (const PlacementRank& rank : facts.roster.ranked()) {
    if (rank.full && fallback == IfAllAreFull::kNone) return nullptr;
    const WorkerView* worker = facts.roster.find(rank.name);
    if (but.contains(rank.name) || !facts.state.knows_worker(rank.name)) continue;
    if (is_available(*worker, now, heartbeat_ms)) return worker;
  }
  return nullptr;
}

std::string why_nobody(const Facts& facts, std::int64_t heartbeat_ms, Now now) {
  if (facts.state.workers.empty()) return "none has connected yet";
  std::string why;
  bool all_full = false;
  for (const auto& [name, view] : facts.roster.all()) {
    if (!facts.state.knows_worker(name)) continue;
    const std::string refused = view.synced || view.presence != Presence::kUp
                                    ? refusal(view, now, heartbeat_ms)
                                    : "not synced yet";
    if (refused.empty())
      all_full = true;
    else
      why += (why.empty() ? "" : ", ") + name + " is " + refused;
  }
  if (all_full) return "every one is above 95 % of processor or memory; --on WORKER overrides that";
  return why;
}

}  // namespace dm::master
