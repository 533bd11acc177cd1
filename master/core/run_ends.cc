#include "master/core/run_ends.h"

#include <vector>

#include "common/check.h"
#include "master/decide/phase.h"

namespace dm::master {

void RunEnds::record(const std::string& instance, const RunEnd& end,
                     std::optional<std::int64_t> seq, Now now) {
  DM_CHECK(state_.instances.contains(instance));
  Line line = print_end(instance, end);
  line.add("at", now.wall_ms).add("worker", state_.instances.at(instance).worker);
  if (seq) line.add("seq", *seq);
  const std::string& replaces = state_.instances.at(instance).replaces;
  if (!replaces.empty()) line.add("replaces", replaces);
  recorder_.record(line);
  timers_.prune_soon(now);
}

void RunEnds::end_unbegun(const std::string& instance, Now now) {
  const auto found = state_.instances.find(instance);
  if (found == state_.instances.end() || found->second.desired == Desired::kRunning) return;
  reports_.erase(instance);
  if (found->second.has_ended()) return;
  RunEnd end;
  end.run = found->second.last_run();
  end.ended_ms = now.wall_ms;
  end.reason = found->second.given_up;
  if (end.reason.empty()) end.reason = "stopped before it began";
  record(instance, end, std::nullopt, now);
}

void RunEnds::end_missing(const WorkerView& worker, Now now) {
  std::vector<std::string> missing;
  for (const std::string& name : state_.placed_on(worker.name)) {
    const bool waits = underway_.has_order(name) || underway_.waits_for_files(name);
    if (worker.reported.contains(name) || waits) continue;
    reports_.erase(name);
    const Placement& placement = state_.instances.at(name);
    if (!placement.has_ended() && !is_unbegun(InstanceFacts{placement})) missing.push_back(name);
  }
  for (const std::string& name : missing) {
    RunEnd end;
    const Placement& placement = state_.instances.at(name);
    end.run = placement.last_run();
    end.ended_ms = now.wall_ms;
    end.reason = placement.given_up;
    if (end.reason.empty()) end.reason = "worker " + worker.name + " has no record of it";
    end.last = true;
    leases_.hold(name, now);
    record(name, end, std::nullopt, now);
  }
}

}  // namespace dm::master
