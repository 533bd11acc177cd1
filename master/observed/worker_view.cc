#include "master/observed/worker_view.h"

#include <algorithm>

#include "common/fields.h"

namespace dm::master {
namespace {

constexpr std::size_t kMostReason = 200;  // bytes

constexpr Field<WorkerView> kInfoFields[] = {
    {"os", &WorkerView::os},
    {"arch", &WorkerView::arch},
    {"glibc", &WorkerView::glibc},
    {"version", &WorkerView::version},
    {"boot", &WorkerView::boot},
    {"cannot_run", &WorkerView::cannot_run, WhenEmpty::kOmit, kMostReason},
};

constexpr Field<WorkerView> kBeatFields[] = {
    {"cpu", &WorkerView::cpu_percent},
    {"load1", &WorkerView::load1},
    {"mem_used", &WorkerView::mem_used_bytes},
    {"mem_total", &WorkerView::mem_total_bytes},
    {"disk_free", &WorkerView::disk_free_bytes},
    {"disk_low", &WorkerView::disk_low},
    {"children_user_ms", &WorkerView::children_user_ms},
    {"children_system_ms", &WorkerView::children_system_ms},
    {"children_max_rss_bytes", &WorkerView::children_max_rss_bytes},
    {"children_reaped", &WorkerView::children_reaped},
    {"instances", &WorkerView::instances},
    {"seq", &WorkerView::beats_heard},
};

}  // namespace

void parse_info(const Line& line, WorkerView& worker) {
  parse_fields<WorkerView>(line, worker, kInfoFields);
}

void parse_beat(const Line& line, WorkerView& worker) {
  parse_fields<WorkerView>(line, worker, kBeatFields);
  worker.tells_disk = line.has("disk_low");
}

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
  constexpr double kLeastShare = 1.0 / 16;  // of a processor, for an instance
  const auto cpus = static_cast<double>(std::clamp<std::int64_t>(worker.cpus, 1, kMostCpus));
  const double least = 100.0 * kLeastShare * static_cast<double>(worker.recorded) / cpus;
  const double expected =
      std::max(worker.load(), least) + 100.0 * static_cast<double>(worker.placed_since_beat) / cpus;
  const std::int64_t instances = std::max(worker.instances, worker.recorded);
  return {is_full(worker), expected, instances + worker.placed_since_beat, worker.name};
}

std::int64_t lost_after_ms(std::int64_t heartbeat_ms) {
  return heartbeat_ms * 5 / 2;
}

}  // namespace dm::master
