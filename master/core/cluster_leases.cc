// Leases: what must never live twice lives only as long as its worker hears from the master; the
// worker's supervisor kills it when the lease runs out. Before another is launched, the lease of
// the one before must have run out, or its end must have been heard of.
#include <algorithm>

#include "common/names.h"
#include "common/units.h"
#include "master/core/cluster.h"

namespace dm::master {
namespace {

// Beyond the lease itself: a kill takes a moment, and clocks do not run alike.
std::int64_t margin_ms(std::int64_t lease_ms) {
  return 1000 + lease_ms / 20;
}

}  // namespace

// The master before us may have granted one a moment ago.
void Cluster::begin_leases(Now now) {
  for (const auto& [name, placement] : state_.instances)
    if (placement.lease_ms > 0) note_lease(name, placement.lease_ms, now);
  for (const auto& [name, lease_ms] : state_.held) note_lease(name, lease_ms, now);
}

void Cluster::note_lease(const std::string& name, std::int64_t lease_ms, Now now) {
  leases_[name] = now.mono_ms + lease_ms + margin_ms(lease_ms);
}

// Nobody will tell how it ended: its lease counts although it is shown dead, or not at all, and
// also for the master after us.
void Cluster::hold_lease(const std::string& name, Now now) {
  const std::int64_t lease_ms = state_.instances.at(name).lease_ms;
  if (lease_ms > 0 && lease_left_ms(name, now) > 0) record(print_lease(name, lease_ms));
}

// Those that nobody waits for any more.
void Cluster::drop_leases(Now now) {
  std::vector<std::string> over;
  for (const auto& [name, lease_ms] : state_.held)
    if (lease_left_ms(name, now) == 0) over.push_back(name);
  for (const std::string& name : over) record(print_lease(name, 0));
  std::erase_if(leases_, [&](const auto& entry) {
    return entry.second <= now.mono_ms && !state_.instances.contains(entry.first);
  });
}

// `beat` is older than this moment, and the worker counts from when it sent it: whatever happens to
// our line on its way, the lease ends there before we think it does.
void Cluster::grant_leases(const WorkerView& worker, std::int64_t beat, Now now) {
  if (worker.session == 0 || !worker.synced || !state_.fence.empty() || beat == 0) return;
  drop_leases(now);
  Line line("LEASE");
  line.add("beat", beat);
  for (auto& [name, until] : leases_) {
    const auto found = state_.instances.find(name);
    if (found == state_.instances.end() || found->second.worker != worker.name) continue;
    const Placement& placement = found->second;
    if (placement.desired != Desired::kRunning || !placement.superseded_by.empty()) continue;
    if (state_.held.contains(name)) continue;
    line.add("instance", name);
    note_lease(name, placement.lease_ms, now);
  }
  if (line.has("instance")) out_.push_back(ToSession{worker.session, line});
}

std::int64_t Cluster::lease_left_ms(const std::string& name, Now now) const {
  const auto found = leases_.find(name);
  return found == leases_.end() ? 0 : std::max<std::int64_t>(found->second - now.mono_ms, 0);
}

// Why nothing of the app but `but` may begin now; nullopt if it may. `singleton`: what would begin
// is one itself.
std::optional<Error> Cluster::held_by_other(const std::string& app, const std::string& but,
                                            bool singleton, Now now) const {
  for (const std::string& name : instances_of(app)) {
    const Placement& placement = state_.instances.at(name);
    const bool held = state_.held.contains(name);
    if ((name == but && !held) || (placement.lease_ms == 0 && !singleton)) continue;
    const bool lives = may_live(name, now) || will_begin(name);
    if (lives && name != but && placement.desired == Desired::kRunning)
      return fail(Code::kExists, name + " runs on " + placement.worker + ", and " + app +
                                     " must not run twice; stop it first");
    const std::int64_t left = lives || held ? lease_left_ms(name, now) : 0;
    if (left > 0)
      return fail(Code::kBusy, name + " may still live on " + placement.worker +
                                   ": its lease ends in " + print_duration(left));
  }
  // Nobody knows what it is, so it may be one too.
  for (const auto& [worker, view] : workers_)
    for (const auto& [name, foreign] : view.foreign)
      if (singleton && foreign.state != "dead" && name.starts_with(app + "."))
        return fail(Code::kBusy, name + " on " + worker + " is foreign and lives: " + app +
                                     " must not run twice; stop it first");
  // One whose worker was forgotten may live on as well.
  for (auto at = leases_.lower_bound(app + "."); at != leases_.end(); ++at) {
    if (!at->first.starts_with(app + ".")) break;
    const std::int64_t left = lease_left_ms(at->first, now);
    if (left > 0 && !state_.instances.contains(at->first))
      return fail(Code::kBusy,
                  at->first + " may still live: its lease ends in " + print_duration(left));
  }
  return std::nullopt;
}

// What is finished or tried again begins beside no other of its app, if one of them is a singleton.
bool Cluster::stands_back(const std::string& name, Now now) const {
  const Placement& self = state_.instances.at(name);
  for (const auto& [held, lease_ms] : state_.held)
    if (held.starts_with(self.app + ".") && lease_left_ms(held, now) > 0) return true;
  for (const std::string& other : instances_of(self.app)) {
    const Placement& placement = state_.instances.at(other);
    if (other == name || (self.lease_ms == 0 && placement.lease_ms == 0)) continue;
    if (is_launching(other) || (is_alive(other) && !away(placement.worker))) return true;
    if (lease_left_ms(other, now) > 0 && may_live(other, now) && !will_begin(other)) return true;
  }
  return false;
}

// What it takes the place of may still live: where that can be asked it is, otherwise its lease
// must have run out. Without a lease nobody waits for a worker that is gone. One that never began
// may itself have waited for another.
std::optional<std::string> Cluster::waits_for(const std::string& name, Now now) const {
  const auto found = state_.instances.find(name);
  if (found == state_.instances.end()) return std::nullopt;
  const Placement* placement = &found->second;
  while (!placement->replaces.empty() && placement->begun == 0) {
    const std::string& before = placement->replaces;
    const auto old = state_.instances.find(before);
    const bool gone = old == state_.instances.end();
    const std::int64_t left = lease_left_ms(before, now);
    const bool lives = gone || may_live(before, now) || state_.held.contains(before);
    if (lives && left > 0)
      return "until the lease of " + before + " ends, in " + print_duration(left);
    if (gone) return std::nullopt;
    if (lives && old->second.lease_ms == 0 && !away(old->second.worker))
      return "until " + before + " has ended on " + old->second.worker;
    placement = &old->second;
  }
  return std::nullopt;
}

void Cluster::begin_successor(const std::string& old, Now now) {
  const auto found = state_.instances.find(old);
  if (found == state_.instances.end() || found->second.superseded_by.empty()) return;
  const std::string fresh = found->second.superseded_by;
  if (!state_.instances.contains(fresh) || !is_unbegun(fresh)) return;
  if (has_order(fresh) || launching_.contains(fresh) || away(state_.instances.at(fresh).worker))
    return;
  install_or_launch(fresh, 0, now);
}

}  // namespace dm::master
