// The other half of Runs: what is learnt from children that have ended.
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>

#include "common/io/system.h"
#include "worker/io/proc.h"
#include "worker/supervisor/runs.h"

namespace dm::supervisor {

using namespace worker;

namespace {

constexpr int kMaxReaps = 1024;            // in a row, so that the dying cannot hold off the rest
constexpr std::int64_t kDrainingMs = 500;  // between two looks at what outlives its main process
constexpr std::int64_t kSweepMs = 10'000;
constexpr std::int64_t kOomReadMs = 1000;

std::int64_t microseconds(const timeval& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000 + time.tv_usec;
}

}  // namespace

void Runs::reap() {
  int status = 0;
  rusage used{};
  int count = 0;
  for (pid_t pid = 0; count < kMaxReaps; ++count) {
    pid = retry([&] { return ::wait4(-1, &status, WNOHANG, &used); });
    if (pid <= 0) break;
    ++reaped_;
    reap_one(pid, status, used);
  }
  if (count == kMaxReaps) loop_.later([this] { reap(); });
  if (count > 0 && !table_.draining().empty()) check_draining();
  if (count > 0) outlet_.quiet();
}

void Runs::reap_one(int pid, int status, const rusage& used) {
  failed_.erase(pid);
  Run* run = table_.by_pid(pid);
  if (run == nullptr) return;  // an orphan that became ours, or a child whose exec failed
  if (run->phase == RunPhase::kStarting) {
    // It is dead, so its report is complete: the exec failed, or it has succeeded before.
    const RunKey key = run->key;
    on_report(key);
    failed_.erase(pid);
    run = table_.by_pid(pid);
    if (run == nullptr || run->phase == RunPhase::kStarting) return;
  }
  record_exit(*run, status, used);
}

void Runs::record_exit(Run& run, int status, const rusage& used) {
  ExitFacts facts;
  facts.status = status;
  facts.user_us = microseconds(used.ru_utime);
  facts.system_us = microseconds(used.ru_stime);
  facts.max_rss_bytes = static_cast<std::int64_t>(used.ru_maxrss) * 1024;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
    facts.oom_kills = std::max<std::int64_t>(0, oom_kills(true) - run.oom_kills_before);
  end_run(run, std::move(facts));
}

// The main process has ended, as `facts` say; they are completed by what it leaves.
void Runs::end_run(Run& run, ExitFacts facts) {
  facts.ended_ms = read_clock().wall_ms;
  facts.lease_over = run.lease_over;
  facts.all_stopped = stopping_;
  if (!trees_.is_empty(run)) {
    const auto members = trees_.members(run);
    // Nobody may be met although the tree was not empty a moment ago: then EMPTY follows.
    facts.left = std::max<std::int64_t>(1, static_cast<std::int64_t>(members.size()));
    for (std::size_t i = 0; i < members.size() && i < kMaxSurvivors; ++i)
      facts.survivors.push_back(std::to_string(members[i].pid) + ":" + members[i].comm);
  }
  table_.exited(run, std::move(facts));
  outlet_.announce(exited_line(run));
  if (run.phase == RunPhase::kEnded)
    cgroups_.release(run.cgroup, loop_.now().mono_ms, run.cgroup_killed);
  if (run.phase == RunPhase::kDraining && stopping_) trees_.signal(run, SIGTERM);
  watch_over();
}

void Runs::check_draining() {
  const std::set<RunKey> draining = table_.draining();
  for (const RunKey& key : draining) {
    Run* run = table_.find(key);
    if (run == nullptr || !trees_.is_empty(*run)) continue;
    outlet_.announce(empty_line(*run));
    cgroups_.release(run->cgroup, loop_.now().mono_ms, run->cgroup_killed);
    table_.emptied(*run);
  }
  outlet_.quiet();
}

// A tree whose last process is not our own child ends without a signal to us; and idle cgroups are
// removed late, so that a restart finds its own in place.
void Runs::watch_over() {
  const std::int64_t now_ms = loop_.now().mono_ms;
  if (!table_.draining().empty() && !looking_) {
    looking_ = true;
    loop_.at(now_ms + kDrainingMs, [this] {
      looking_ = false;
      check_draining();
      watch_over();
    });
  }
  if (cgroups_.has_idle() && !sweeping_) {
    sweeping_ = true;
    loop_.at(now_ms + kSweepMs, [this] {
      sweeping_ = false;
      cgroups_.sweep(loop_.now().mono_ms);
      watch_over();
    });
  }
}

// Reading the counter costs as much as a tenth of a spawn, so the value before a run may be a
// second old.
std::int64_t Runs::oom_kills(bool fresh) {
  const std::int64_t now_ms = loop_.now().mono_ms;
  if (fresh || oom_read_ms_ < 0 || now_ms - oom_read_ms_ >= kOomReadMs) {
    oom_kills_ = oom_kill_count();
    oom_read_ms_ = now_ms;
  }
  return oom_kills_;
}

void Runs::usage(const Asker& asker, const Line&) {
  rusage used{};
  ::getrusage(RUSAGE_CHILDREN, &used);
  Line line("OK");
  line.add("id", asker.id).add("cpu_user_ms", microseconds(used.ru_utime) / 1000);
  line.add("cpu_system_ms", microseconds(used.ru_stime) / 1000);
  line.add("max_rss_bytes", static_cast<std::int64_t>(used.ru_maxrss) * 1024);
  outlet_.answer(asker, line.add("reaped", reaped_));
}

}  // namespace dm::supervisor
