// Runs that may live only for a time, which the agent has renewed again and again: so they end also
// where there is no agent any more.
#include <algorithm>

#include "worker/supervision/runs.h"

namespace dm::supervisor {

void Runs::renew(const Line& line) {
  const auto key = parse_run_key(line);
  Run* run = key ? table_.find(*key) : nullptr;
  if (run == nullptr || run->lease_until_ms == 0 || run->lease_over) return;
  run->lease_until_ms = std::max(run->lease_until_ms, line.number_or("until_ms", 0));
  watch_leases();
}

void Runs::watch_leases() {
  std::int64_t earliest = INT64_MAX;
  for (const auto& [key, run] : table_.runs())
    if (run.lease_until_ms > 0 && run.phase != RunPhase::kEnded && !run.lease_over)
      earliest = std::min(earliest, run.lease_until_ms);
  machine_.cancel(lease_timer_);
  lease_timer_ = {};
  if (earliest != INT64_MAX) lease_timer_ = machine_.at(earliest, [this] { end_leases(); });
}

void Runs::end_leases() {
  const std::int64_t now_ms = machine_.now().mono_ms;
  std::vector<RunKey> over;
  for (const auto& [key, run] : table_.runs())
    if (run.lease_until_ms > 0 && run.lease_until_ms <= now_ms && !run.lease_over &&
        run.phase != RunPhase::kEnded)
      over.push_back(key);
  for (const RunKey& key : over) {
    Run* run = table_.find(key);
    if (run == nullptr) continue;
    run->lease_over = true;
    kill(*run);
  }
  watch_leases();
}

}  // namespace dm::supervisor
