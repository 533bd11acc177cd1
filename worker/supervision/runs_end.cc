// The other half of Runs: what is learnt from processes that have ended.
#include <algorithm>

#include "common/signals.h"
#include "worker/supervision/runs.h"

namespace dm::supervisor {
namespace {

constexpr std::int64_t kDrainingMs = 500;  // between two looks at what outlives its main process
constexpr std::int64_t kSweepMs = 10'000;

}  // namespace

void Runs::reaped(int pid, ExitFacts facts) {
  ++reaped_;
  failed_.erase(pid);
  Run* run = table_.by_pid(pid);
  if (run == nullptr) return;  // an orphan that became ours, or a child whose exec failed
  if (run->phase == RunPhase::kStarting) {
    // It is dead, so its report is complete: the exec failed, or it has succeeded before.
    machine_.read_outcome(RunKey(run->key));
    failed_.erase(pid);
    run = table_.by_pid(pid);
    if (run == nullptr || run->phase == RunPhase::kStarting) return;
  }
  if (decode_wait_status(facts.status).signal == kSigkill)
    facts.oom_kills = std::max<std::int64_t>(0, machine_.oom_kills(true) - run->oom_kills_before);
  end_run(*run, std::move(facts));
}

void Runs::reaped_all() {
  if (!table_.draining().empty()) check_draining();
  lines_.quiet();
}

// The main process has ended, as `facts` say; they are completed by what it leaves.
void Runs::end_run(Run& run, ExitFacts facts) {
  facts.ended_ms = machine_.now().wall_ms;
  facts.lease_over = run.lease_over;
  facts.all_stopped = stopping_;
  if (!machine_.is_empty(run)) {
    facts.survivors = machine_.living(run);
    // Nobody may be met although the tree was not empty a moment ago: then EMPTY follows.
    facts.left = std::max<std::int64_t>(1, static_cast<std::int64_t>(facts.survivors.size()));
    if (facts.survivors.size() > kMaxSurvivors) facts.survivors.resize(kMaxSurvivors);
  }
  table_.exited(run, std::move(facts));
  tell_orphans();
  lines_.announce(exited_line(run));
  if (run.phase == RunPhase::kEnded) machine_.release_cgroup(run.cgroup, run.cgroup_killed);
  if (run.phase == RunPhase::kDraining && stopping_) deliver(run, kSigterm, true);
  watch_over();
}

void Runs::check_draining() {
  const std::set<RunKey> draining = table_.draining();
  for (const RunKey& key : draining) {
    Run* run = table_.find(key);
    if (run == nullptr || !machine_.is_empty(*run)) continue;
    tell_orphans();
    lines_.announce(empty_line(*run));
    machine_.release_cgroup(run->cgroup, run->cgroup_killed);
    table_.emptied(*run);
  }
  lines_.quiet();
}

// A tree whose last process is not our own child ends without a signal to us; and idle cgroups are
// removed late, so that a restart finds its own in place.
void Runs::watch_over() {
  const std::int64_t now_ms = machine_.now().mono_ms;
  if (!table_.draining().empty() && !looking_) {
    looking_ = true;
    machine_.at(now_ms + kDrainingMs, [this] {
      looking_ = false;
      check_draining();
      watch_over();
    });
  }
  if (machine_.has_idle_cgroups() && !sweeping_) {
    sweeping_ = true;
    machine_.at(now_ms + kSweepMs, [this] {
      sweeping_ = false;
      machine_.sweep_cgroups();
      watch_over();
    });
  }
}

void Runs::usage(const Asker& asker, const Line&) {
  const ChildrenUsage used = machine_.children_usage();
  Line line("OK");
  line.add("id", asker.id).add("cpu_user_ms", used.user_ms).add("cpu_system_ms", used.system_ms);
  line.add("max_rss_bytes", used.max_rss_bytes);
  lines_.answer(asker, line.add("reaped", reaped_));
}

}  // namespace dm::supervisor
