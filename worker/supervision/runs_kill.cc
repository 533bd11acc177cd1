// SIGKILL to a whole tree, round after round: what forks meanwhile is met by the next one.
#include <algorithm>

#include "worker/supervision/runs.h"

namespace dm::supervisor {
namespace {

constexpr std::int64_t kFirstRoundMs = 20;
constexpr std::int64_t kLastRoundMs = 1000;

}  // namespace

Reached Runs::kill(const Run& run) {
  const RunKey key = run.key;
  if (being_killed_.insert(key).second) {
    look_before_signal();
    kill_round(key, kFirstRoundMs);
  }
  return denied_.contains(key) ? Reached::kDenied : Reached::kSome;
}

std::vector<std::string> Runs::denied() const {
  std::vector<std::string> names;
  for (const auto& [key, run] : table_.runs())
    if (denied_.contains(key))
      names.push_back(key.instance + " (pid " + std::to_string(run.pid) + ")");
  return names;
}

void Runs::kill_round(const RunKey& key, std::int64_t next_ms) {
  if (!being_killed_.contains(key)) return;
  Run* run = table_.find(key);
  // Where it was, in its cgroup, the next run of its instance may live already.
  const bool has_ended = run == nullptr || run->phase == RunPhase::kEnded;
  if (has_ended || (run->has_exited() && machine_.is_empty(*run))) {
    being_killed_.erase(key);
    denied_.erase(key);
    // From the loop, not from here: the caller may be walking through the runs.
    machine_.later([this] { check_draining(); });
    return;
  }
  const KillRound round = machine_.kill_tree(*run);
  run->cgroup_killed = run->cgroup_killed || round.whole_cgroup;
  if (round.denied)
    denied_.insert(key);
  else
    denied_.erase(key);
  const std::int64_t later_ms = std::min(next_ms * 2, kLastRoundMs);
  machine_.at(machine_.now().mono_ms + next_ms,
              [this, key, later_ms] { kill_round(key, later_ms); });
}

}  // namespace dm::supervisor
