#include "master/decide/singletons.h"

#include "common/names.h"
#include "common/units.h"
#include "master/decide/phase.h"

namespace dm::master {
namespace {

// The instances that matter: where neither is a singleton, both may live.
std::vector<std::string> concerned(const State& state, const std::string& app, bool singleton) {
  if (singleton) return state.instances_of(app);
  const auto& singletons = state.singletons_of(app);
  return {singletons.begin(), singletons.end()};
}

// Nobody knows what it is, so it may be a singleton as well.
std::optional<Error> held_by_unrecorded(const Facts& facts, const std::string& app) {
  for (const auto& [worker, view] : facts.roster.all())
    for (const auto& [name, unrecorded] : view.foreign)
      if (unrecorded.state != "dead" && name.starts_with(app + "."))
        return fail(Code::kBusy, name + " on " + worker + " is foreign and lives: " + app +
                                     " must not run twice; stop it first");
  return std::nullopt;
}

}  // namespace

std::vector<std::string> finished_beside(const Facts& facts, const std::string& app,
                                         const std::string& but, std::int64_t lease_ms) {
  std::vector<std::string> finished;
  for (const std::string& name : concerned(facts.state, app, lease_ms > 0)) {
    const Placement& placement = facts.state.instances.at(name);
    if (name == but || placement.desired != Desired::kRunning || placement.restart == Restart::kNo)
      continue;
    if (phase_of(facts, name).phase == Phase::kDead && !will_begin(facts, name))
      finished.push_back(name);
  }
  return finished;
}

std::optional<Error> held_by_other(const Facts& facts, const std::string& app,
                                   const std::string& but, std::int64_t lease_ms, Now now) {
  const State& state = facts.state;
  const bool singleton = lease_ms > 0;
  for (const std::string& name : concerned(state, app, singleton)) {
    const Placement& placement = state.instances.at(name);
    const bool held = state.held.contains(name);
    if ((name == but && !held) || (placement.lease_ms == 0 && !singleton)) continue;
    const bool lives = phase_of(facts, name).phase != Phase::kDead || will_begin(facts, name);
    if (lives && name != but && placement.desired == Desired::kRunning)
      return fail(Code::kExists, name + " runs on " + placement.worker + ", and " + app +
                                     " must not run twice; stop it first");
    const bool is_unsure = lives || held || may_live(facts, name);
    const std::int64_t left = is_unsure ? facts.leases.left_ms(name, now) : 0;
    if (left > 0)
      return fail(Code::kBusy, name + " may still live on " + placement.worker +
                                   ": its lease ends in " + print_duration(left));
  }
  if (singleton)
    if (auto error = held_by_unrecorded(facts, app)) return error;
  // One whose worker was forgotten may live on as well.
  for (auto at = facts.leases.all().lower_bound(app + "."); at != facts.leases.all().end(); ++at) {
    if (!at->first.starts_with(app + ".")) break;
    const std::int64_t left = facts.leases.left_ms(at->first, now);
    if (left > 0 && !state.instances.contains(at->first))
      return fail(Code::kBusy,
                  at->first + " may still live: its lease ends in " + print_duration(left));
  }
  return std::nullopt;
}

bool stands_back(const Facts& facts, const std::string& name, Now now) {
  const State& state = facts.state;
  const Placement& self = state.instances.at(name);
  const std::string prefix = self.app + ".";
  for (auto at = state.held.lower_bound(prefix);
       at != state.held.end() && at->first.starts_with(prefix); ++at)
    if (facts.leases.left_ms(at->first, now) > 0) return true;
  for (const std::string& other : concerned(state, self.app, self.lease_ms > 0)) {
    const Placement& placement = state.instances.at(other);
    if (other == name || (self.lease_ms == 0 && placement.lease_ms == 0)) continue;
    if (facts.underway.is_launching(other) ||
        (facts.reports.is_alive(other) && !facts.roster.away(placement.worker)))
      return true;
    if (facts.leases.left_ms(other, now) > 0 && may_live(facts, other) && !will_begin(facts, other))
      return true;
  }
  return false;
}

std::optional<std::string> waits_for(const Facts& facts, const std::string& name, Now now) {
  const State& state = facts.state;
  const auto found = state.instances.find(name);
  if (found == state.instances.end()) return std::nullopt;
  const Placement* placement = &found->second;
  while (!placement->replaces.empty() && placement->begun == 0) {
    const std::string& before = placement->replaces;
    const auto old = state.instances.find(before);
    const bool gone = old == state.instances.end();
    const std::int64_t left = facts.leases.left_ms(before, now);
    const bool lives = gone || may_live(facts, before) || state.held.contains(before);
    if (lives && left > 0)
      return "until the lease of " + before + " ends, in " + print_duration(left);
    if (gone) return std::nullopt;
    if (lives && old->second.lease_ms == 0 && !facts.roster.away(old->second.worker))
      return "until " + before + " has ended on " + old->second.worker;
    placement = &old->second;
  }
  return std::nullopt;
}

}  // namespace dm::master
