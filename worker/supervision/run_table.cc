#include "worker/supervision/run_table.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/check.h"

namespace dm::supervisor {
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

// What exited_line() prints.
ExitFacts parse_exit(const Line& line) {
  ExitFacts facts;
  facts.ended_ms = line.number_or("ended_ms", 0);
  facts.unknown = line.has("unknown");
  facts.status = static_cast<int>(line.number_or("status", 0));
  facts.user_us = line.number_or("user_us", 0);
  facts.system_us = line.number_or("system_us", 0);
  facts.max_rss_bytes = line.number_or("max_rss_bytes", 0);
  facts.left = line.number_or("left", 0);
  facts.survivors = line.all("survivor");
  facts.oom_kills = line.number("oom_kills");
  facts.lease_over = line.has("lease_over");
  facts.all_stopped = line.has("all_stopped");
  return facts;
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
  if (living(key) != nullptr) return SpawnVerdict::kLives;
  return runs_.size() < kMaxRuns ? SpawnVerdict::kSpawn : SpawnVerdict::kFull;
}

const Run* RunTable::living(const RunKey& before) const {
  for (auto at = runs_.lower_bound({before.instance, 0}); at != runs_.lower_bound(before); ++at)
    if (at->second.lives()) return &at->second;
  return nullptr;
}

Run& RunTable::begin(RunKey key, std::int64_t started_ms) {
  DM_CHECK(!runs_.contains(key));
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

void RunTable::adopted(Run& run, int pid, std::uint64_t start) {
  run.is_adopted = true;
  run.pid = pid;
  run.start = start;
}

void RunTable::drop_pid(const Run& run) {
  const auto found = by_pid_.find(run.pid);
  if (found != by_pid_.end() && found->second == &run) by_pid_.erase(found);
}

void RunTable::abandon(const Run& run) {
  --living_;
  drop_pid(run);
  forget(run.key);
}

void RunTable::exited(Run& run, ExitFacts facts) {
  --living_;
  drop_pid(run);
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
  DM_CHECK(found != runs_.end());
  if (found == runs_.end()) return;  // the supervisor goes on
  by_seq_.erase(found->second.seq);
  runs_.erase(found);
}

std::vector<Line> RunTable::save() const {
  std::vector<Line> lines{Line("NEXT").add("seq", next_seq_)};
  for (const auto& [key, run] : runs_) {
    Line line = run.lives() ? run_line(run) : exited_line(run);
    if (run.has_exited()) add_cgroup(line, run);
    line.add("oom_kills_before", run.oom_kills_before);
    if (run.lease_until_ms > 0) line.add("lease_until_ms", run.lease_until_ms);
    for (const auto& [name, is_set] :
         {std::pair("adopted", run.is_adopted), std::pair("cgroup_killed", run.cgroup_killed),
          std::pair("acknowledged", run.acknowledged),
          std::pair("draining", run.phase == RunPhase::kDraining)})
      if (is_set) line.add(name, 1);
    lines.push_back(std::move(line));
  }
  return lines;
}

Status RunTable::load(const Line& line) {
  if (line.verb() == "NEXT") {
    next_seq_ = line.number_or("seq", 1);
    return {};
  }
  auto key = parse_run_key(line);
  const bool has_exited = line.verb() == "EXITED";
  if (!key || runs_.contains(*key) || (!has_exited && line.verb() != "RUN"))
    return fail(Code::kBadLine, "no line of a run: " + line.verb());
  Run& run = begin(std::move(*key), line.number_or("started_ms", 0));
  const auto pid = static_cast<int>(line.number_or("pid", 0));
  const auto start = static_cast<std::uint64_t>(line.number_or("start", 0));
  run.is_adopted = line.has("adopted");
  run.cgroup_killed = line.has("cgroup_killed");
  run.pid = pid;
  run.start = start;
  // Of one that has ended the number may be another's by now.
  if (!run.is_adopted && !has_exited) by_pid_[pid] = &run;
  run.cgroup = line.text("cgroup");
  run.oom_kills_before = line.number_or("oom_kills_before", 0);
  run.lease_until_ms = line.number_or("lease_until_ms", 0);
  started(run);
  if (!has_exited) return {};
  const std::int64_t next = std::exchange(next_seq_, line.number_or("seq", 0));
  exited(run, parse_exit(line));
  next_seq_ = std::max(next, next_seq_);
  run.acknowledged = line.has("acknowledged");
  if (!line.has("draining") && run.phase == RunPhase::kDraining) emptied(run);
  return {};
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
  line.add("ended_ms", run.exit.ended_ms);
  if (run.exit.unknown) {
    line.add("unknown", 1);
  } else {
    line.add("status", run.exit.status).add("user_us", run.exit.user_us);
    line.add("system_us", run.exit.system_us).add("max_rss_bytes", run.exit.max_rss_bytes);
  }
  line.add("left", run.exit.left);
  for (const std::string& survivor : run.exit.survivors) line.add("survivor", survivor);
  if (run.exit.oom_kills) line.add("oom_kills", *run.exit.oom_kills);
  if (run.exit.lease_over) line.add("lease_over", 1);
  if (run.exit.all_stopped) line.add("all_stopped", 1);
  return line;
}

Line orphans_line(const std::vector<std::string>& orphans) {
  Line line("ORPHANS");
  line.add("count", orphans.size());
  for (std::size_t i = 0; i < orphans.size() && i < kMaxSurvivors; ++i)
    line.add("orphan", orphans[i]);
  return line;
}

Line empty_line(const Run& run) {
  Line line("EMPTY");
  return std::move(add_key(line, run));
}

}  // namespace dm::supervisor
