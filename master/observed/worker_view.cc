#include "master/observed/worker_view.h"

#include <algorithm>

namespace dm::master {

std::string_view word(Presence presence) {
  switch (presence) {
    case Presence::kSuspect: return "suspect";
    case Presence::kUp: return "up";
    case Presence::kLost: return "lost";
    case Presence::kLeft: return "left";
  }
  return "lost";
}

double WorkerView::mem_percent() const {
  if (mem_total_bytes.value_or(0) <= 0) return 0;
  return 100.0 * static_cast<double>(mem_used_bytes.value_or(0)) /
         static_cast<double>(*mem_total_bytes);
}

double WorkerView::load() const {
  return combined_load(cpu_percent.value_or(0), mem_percent());
}

double combined_load(double cpu_percent, double mem_percent) {
  const double sum = cpu_percent + mem_percent;
  return sum <= 0 ? 0 : 2 * cpu_percent * mem_percent / sum;
}

bool is_full(const WorkerView& worker) {
  constexpr double kMostPercent = 95;
  return worker.cpu_percent.value_or(0) > kMostPercent || worker.mem_percent() > kMostPercent;
}

PlacementRank rank_of(const WorkerView& worker) {
  const auto cpus = static_cast<double>(std::max<std::int64_t>(worker.cpus, 1));
  const double expected =
      worker.load() + 100.0 * static_cast<double>(worker.placed_since_beat) / cpus;
  return {is_full(worker), expected, worker.instances + worker.placed_since_beat, worker.name};
}

std::int64_t lost_after_ms(std::int64_t heartbeat_ms) {
  return heartbeat_ms * 5 / 2;
}

}  // namespace dm::master
