#include "master/observed/worker_view.h"

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

std::int64_t lost_after_ms(std::int64_t heartbeat_ms) {
  return heartbeat_ms * 5 / 2;
}

}  // namespace dm::master
