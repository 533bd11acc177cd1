#include "worker/core/run_table.h"

#include <cassert>
#include <limits>
#include <utility>

namespace dm {
namespace {

Line& add_key(Line& line, const Run& run) {
  return line.add("instance", run.key.instance).add("run", run.key.run);
}

Line& add_identity(Line& line, const Run& run) {
  return line.add("pid", run.pid).add("start", run.start).add("started_ms", run.started_ms);
}

Line& add_cgroup(Line& line, const Run& run) {
  return run.cgroup.empty() ? line : line.add("cgroup", run.cgroup);
}

}  // namespace

SpawnVerdict RunTable::judge(const RunKey& key) const {
  if (const auto found = runs_.find(key); found != runs_.end()) {
    const Run& run = found->second;
    if (run.phase != RunPhase::kStarting) return SpawnVerdict::kAnswer;
    return run.waiting.size() < kMaxWaiting ? SpawnVerdict::kWait : SpawnVerdict::kFull;
  }
  // Runs of an instance stand together, in order: a later one stands right behind this key.
  const auto later = runs_.lower_bound(key);
  if (later != runs_.end() && later->first.instance == key.instance) return SpawnVerdict::kExists;
  return runs_.size() < kMaxRuns ? SpawnVerdict::kSpawn : SpawnVerdict::kFull;
}

Run& RunTable::begin(RunKey key, std::int64_t started_ms) {
  assert(!runs_.contains(key));
  Run& run = runs_[key];
  run.key = std::move(key);
  run.started_ms = started_ms;
  ++living_;
  return run;
}

void RunTable::set_process(Run& run, int pid, std::uint64_t start) {
  by_pid_.erase(run.pid);
  run.pid = pid;
  run.start = start;
  if (pid != 0) by_pid_[pid] = &run;
}

void RunTable::abandon(const Run& run) {
  --living_;
  by_pid_.erase(run.pid);
  forget(run.key);
}

void RunTable::exited(Run& run, ExitFacts facts) {
  --living_;
  by_pid_.erase(run.pid);
  run.exit = std::move(facts);
  run.seq = next_seq_++;
  by_seq_[run.seq] = &run;
  run.phase = run.exit.left > 0 ? RunPhase::kDraining : RunPhase::kEnded;
  if (run.phase == RunPhase::kDraining) draining_.insert(run.key);
}

void RunTable::emptied(Run& run) {
  draining_.erase(run.key);
  run.phase = RunPhase::kEnded;
  if (run.acknowledged) forget(run.key);
}

void RunTable::acknowledge(std::int64_t seq) {
  const auto found = by_seq_.find(seq);
  if (found == by_seq_.end()) return;
  Run& run = *found->second;
  run.acknowledged = true;
  if (run.phase == RunPhase::kEnded) forget(run.key);
}

void RunTable::forget(const RunKey& key) {
  const auto found = runs_.find(key);
  assert(found != runs_.end());
  by_seq_.erase(found->second.seq);
  runs_.erase(found);
}

Run* RunTable::find(const RunKey& key) {
  const auto found = runs_.find(key);
  return found == runs_.end() ? nullptr : &found->second;
}

Run* RunTable::by_pid(int pid) {
  const auto found = by_pid_.find(pid);
  return found == by_pid_.end() ? nullptr : found->second;
}

Line spawn_answer(const std::string& id, const Run& run) {
  Line line("OK");
  line.add("id", id);
  add_identity(line, run);
  return std::move(add_cgroup(line, run));
}

Line run_line(const Run& run) {
  Line line("RUN");
  add_key(line, run);
  add_identity(line, run);
  return std::move(add_cgroup(line, run));
}

Line exited_line(const Run& run) {
  Line line("EXITED");
  line.add("seq", run.seq);
  add_key(line, run);
  add_identity(line, run);
  line.add("ended_ms", run.exit.ended_ms).add("status", run.exit.status);
  line.add("user_us", run.exit.user_us).add("system_us", run.exit.system_us);
  line.add("max_rss_bytes", run.exit.max_rss_bytes).add("left", run.exit.left);
  for (const std::string& survivor : run.exit.survivors) line.add("survivor", survivor);
  if (run.exit.oom_kills) line.add("oom_kills", *run.exit.oom_kills);
  return line;
}

Line empty_line(const Run& run) {
  Line line("EMPTY");
  return std::move(add_key(line, run));
}

}  // namespace dm
