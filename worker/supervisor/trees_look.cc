// The other half of Trees: whose each process is, noted while it can still be seen.
#include <unistd.h>

#include "worker/core/process_owners.h"
#include "worker/io/proc.h"
#include "worker/supervisor/trees.h"

namespace dm::supervisor {

using namespace worker;

namespace {

std::string name_of(const RunKey& key) {
  return key.instance + "/" + std::to_string(key.run);
}

}  // namespace

bool Trees::is_orphan(const ProcStat& process) const {
  return process.ppid == ::getpid() && process.alive() && !border_.is_main(process.pid);
}

// By its session, its group, or the mark in its environment.
std::optional<RunKey> Trees::run_of_orphan(const ProcStat& orphan, const RunTable& table) const {
  if (const auto found = noted_.find({orphan.pid, orphan.start}); found != noted_.end())
    return found->second;
  if (const auto mark = read_environ_mark(orphan.pid)) {
    const RunKey key{mark->instance, mark->run};
    const auto found = table.runs().find(key);
    if (found != table.runs().end() && found->second.phase != RunPhase::kEnded) return key;
  }
  for (const auto& [key, run] : table.runs())
    if (run.phase != RunPhase::kEnded && run.pid > 0 &&
        (run.pid == orphan.sid || run.pid == orphan.pgid))
      return key;
  return std::nullopt;
}

void Trees::look_at_orphans(const RunTable& table) {
  const auto children = children_of(::getpid());
  if (!children) return;
  std::set<Identity> orphans;
  for (const int pid : *children) {
    if (border_.is_main(pid)) continue;
    const auto stat = read_stat(pid);
    if (!stat || !is_orphan(*stat) || is_in_exec(pid)) continue;
    const Identity identity{pid, stat->start};
    if (noted_.contains(identity)) continue;
    const auto key = orphans_.contains(identity) ? std::nullopt : run_of_orphan(*stat, table);
    if (key)
      note(identity, *key);
    else
      orphans.insert(identity);
  }
  orphans_ = std::move(orphans);
}

void Trees::note(const Identity& identity, const RunKey& key) {
  noted_[identity] = key;
  noted_of_run_[key].push_back(identity);
}

void Trees::look(const RunTable& table) {
  const std::vector<ProcStat> all = all_processes();
  std::vector<RunRoot> roots;
  std::vector<RunKey> keys;
  for (const auto& [key, run] : table.runs()) {
    if (run.phase == RunPhase::kEnded || run.pid <= 0) continue;
    roots.push_back({name_of(key), run.pid, run.start});
    keys.push_back(key);
  }
  const ReadMark read_mark = [&](const ProcStat& orphan) {
    if (border_.is_main(orphan.pid) || !orphan.alive()) return std::string();
    const auto key = run_of_orphan(orphan, table);
    return key ? name_of(*key) : std::string();
  };
  const auto owners = owners_of(all, roots, ::getpid(), read_mark);
  std::map<Identity, RunKey> noted;
  std::set<Identity> orphans;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Identity identity{all[i].pid, all[i].start};
    if (!all[i].alive()) continue;
    const auto before = noted_.find(identity);
    if (owners[i]) {
      const RunKey& key = keys[*owners[i]];
      const bool is_main = table.runs().at(key).pid == all[i].pid;
      if (!is_main && (!table.runs().at(key).is_adopted || border_.is_in(all[i].pid)))
        noted[identity] = key;
    } else if (before != noted_.end()) {
      noted[identity] = before->second;
    } else if (is_orphan(all[i])) {
      orphans.insert(identity);
    }
  }
  noted_.clear();
  noted_of_run_.clear();
  for (const auto& [identity, key] : noted) note(identity, key);
  orphans_ = std::move(orphans);
}

std::vector<std::string> Trees::orphans() const {
  std::vector<std::string> names;
  for (const Identity& identity : orphans_)
    if (const auto stat = read_stat(identity.pid);
        stat && stat->start == identity.start && stat->alive())
      names.push_back(std::to_string(identity.pid) + ":" + stat->comm);
  return names;
}

}  // namespace dm::supervisor
