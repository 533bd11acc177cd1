#include "worker/supervisor/trees.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "worker/core/process_tree.h"
#include "worker/io/proc.h"
#include "worker/supervisor/cgroups.h"

namespace dm::supervisor {

using namespace worker;

namespace {

constexpr int kMaxPasses = 16;

// The list is read twice: a number that was listed, and given to another process before its start
// time was read, is not listed any more.
std::vector<ProcStat> living_in(const std::string& cgroup) {
  std::vector<ProcStat> living;
  for (int pid : read_cgroup_procs(cgroup)) {
    auto stat = read_stat(pid);
    if (stat && stat->alive()) living.push_back(std::move(*stat));
  }
  if (living.empty()) return living;
  const std::vector<int> still = read_cgroup_procs(cgroup);
  std::erase_if(living, [&](const ProcStat& process) {
    return std::find(still.begin(), still.end(), process.pid) == still.end();
  });
  return living;
}

bool is_same(const ProcStat& a, const ProcStat& b) {
  return a.pid == b.pid && a.start == b.start;
}

}  // namespace

bool bears_mark(int pid, const RunKey& key, const std::string& root) {
  const auto mark = read_environ_mark(pid);
  return mark && mark->instance == key.instance && mark->run == key.run &&
         mark->library_path.starts_with(root + "/apps/");
}

std::vector<ProcStat> Trees::members(const Run& run) const {
  std::vector<ProcStat> living = run.cgroup.empty() ? scan(run).living : living_in(run.cgroup);
  for (ProcStat& process : noted(run)) {
    const auto same = [&](const ProcStat& other) { return is_same(process, other); };
    if (std::none_of(living.begin(), living.end(), same)) living.push_back(std::move(process));
  }
  return living;
}

// What was once seen to belong to the run, wherever it is now.
std::vector<ProcStat> Trees::noted(const Run& run) const {
  std::vector<ProcStat> living;
  const auto found = noted_of_run_.find(run.key);
  if (found == noted_of_run_.end()) return living;
  for (const Identity& identity : found->second) {
    auto stat = read_stat(identity.pid);
    if (stat && stat->start == identity.start && stat->alive()) living.push_back(std::move(*stat));
  }
  return living;
}

bool Trees::is_empty(const Run& run) const {
  if (!noted(run).empty()) return false;
  if (!run.cgroup.empty()) return !cgroup_populated(run.cgroup).value_or(false);
  if (!run.is_adopted && !has_orphans()) return true;
  const Scan found = scan(run);
  return found.living.empty() && found.sure;
}

// Whoever outlives the main process of a run has become our child, or has an ancestor that has.
bool Trees::has_orphans() const {
  const auto children = children_of(::getpid());
  if (!children) return true;
  return std::any_of(children->begin(), children->end(),
                     [this](int pid) { return !border_.is_main(pid); });
}

Trees::Scan Trees::scan(const Run& run) const {
  const TreeRoot root{run.pid, run.start, ::getpid(), run.is_adopted};
  bool in_exec = false;
  const HasMark has_mark = [&](const ProcStat& orphan) {
    // Its orphans are anybody's children, so everybody is asked.
    if (run.is_adopted) return orphan.alive() && bears_mark(orphan.pid, run.key, border_.root);
    if (!orphan.alive() || border_.is_main(orphan.pid)) return false;
    auto mark = read_environ_mark(orphan.pid);
    if (!mark && is_in_exec(orphan.pid)) in_exec = true;
    // Asked again: the exec may have ended between the two questions.
    if (!mark && !in_exec) mark = read_environ_mark(orphan.pid);
    return mark && mark->instance == run.key.instance && mark->run == run.key.run;
  };
  // A process that dies while we look may have had a child that we have passed already, and one
  // in the middle of an exec cannot be told. So finding nobody counts only if no child of ours was
  // met freshly dead or without a face.
  std::vector<int> dead_before;
  Scan found;
  for (int pass = 0; pass < kMaxPasses; ++pass) {
    in_exec = false;
    const std::vector<ProcStat> all = all_processes();
    for (std::size_t place : tree_members(all, root, has_mark))
      if (all[place].alive() && (!run.is_adopted || border_.is_in(all[place].pid)))
        found.living.push_back(all[place]);
    std::vector<int> dead;
    for (const ProcStat& process : all)
      if (process.ppid == root.reaper && !process.alive()) dead.push_back(process.pid);
    found.sure = !in_exec && dead == dead_before;
    if (!found.living.empty() || found.sure) break;
    dead_before = std::move(dead);
  }
  return found;
}

Reached Trees::signal(const Run& run, int signal) const {
  Reached reached = Reached::kNobody;
  for (const ProcStat& process : members(run)) {
    if (signal_process(process.pid, process.start, signal)) {
      if (reached == Reached::kNobody) reached = Reached::kSome;
    } else if (errno == EPERM) {
      reached = Reached::kDenied;
    }
  }
  return reached;
}

Reached Trees::signal_group(const Run& run, int signal) const {
  // While it leads the session, that number is its group's and its session's and nobody else's.
  const auto main = read_stat(run.pid);
  if (!main || main->start != run.start) return Reached::kNobody;
  Reached reached = Reached::kNobody;
  for (const ProcStat& process : all_processes()) {
    if (process.pgid != run.pid || process.sid != run.pid || !border_.is_in(process.pid)) continue;
    if (signal_process(process.pid, process.start, signal))
      reached = Reached::kSome;
    else if (errno == EPERM && reached == Reached::kNobody)
      reached = Reached::kDenied;
  }
  return reached;
}

KillRound Trees::kill(const Run& run) const {
  KillRound round;
  round.whole_cgroup = !run.cgroup.empty() && Cgroups::kill(run.cgroup);
  if (!round.whole_cgroup || !noted(run).empty()) round.denied = !stop_and_kill(run);
  // The main process, if it is our child: as long as it is not reaped its number is nobody else's.
  if (run.lives() && run.pid > 0 && !run.is_adopted) ::kill(run.pid, SIGKILL);
  return round;
}

bool Trees::stop_and_kill(const Run& run) const {
  std::vector<ProcStat> stopped;
  for (int pass = 0; pass < kMaxPasses; ++pass) {
    bool is_new = false;
    for (ProcStat& process : members(run)) {
      const auto same = [&](const ProcStat& other) { return is_same(process, other); };
      if (std::any_of(stopped.begin(), stopped.end(), same)) continue;
      is_new = true;
      signal_process(process.pid, process.start, SIGSTOP);
      stopped.push_back(std::move(process));
    }
    if (!is_new) break;
  }
  bool is_allowed = true;
  for (const ProcStat& process : stopped)
    if (!signal_process(process.pid, process.start, SIGKILL) && errno == EPERM) is_allowed = false;
  return is_allowed;
}

}  // namespace dm::supervisor
