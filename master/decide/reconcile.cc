#include "master/decide/reconcile.h"

namespace dm::master {

Step step_for(const InstanceFacts& facts, bool has_order) {
  if (has_order || facts.launching) return Step::kNothing;
  const Placement& placement = facts.placement;
  if (placement.desired == Desired::kRunning)
    return will_begin(facts) ? Step::kLaunch : Step::kNothing;
  if (facts.live == nullptr) return Step::kNothing;
  // A policy may start again what rests and is wanted there, and its replacement waits for that.
  const bool rests = facts.live->state == "dead";
  if (rests && (!facts.live->wanted || placement.restart == Restart::kNo)) return Step::kNothing;
  // A stop that the worker knows of is its own to finish, with the timeout it was given.
  const bool ends = facts.live->wanted || placement.desired == Desired::kKilled;
  return ends ? Step::kEnd : Step::kNothing;
}

WorkerPlan plan_worker(const Facts& facts, const std::string& worker) {
  WorkerPlan plan;
  for (const std::string& name : facts.state.placed_on(worker)) {
    switch (step_for(facts_of(facts, name), facts.underway.has_order(name))) {
      case Step::kNothing: break;
      case Step::kLaunch: plan.launches.push_back(name); break;
      case Step::kEnd: plan.ends.push_back(name); break;
    }
  }
  const auto deletes = facts.state.deletes.find(worker);
  if (deletes != facts.state.deletes.end())
    plan.deletes.assign(deletes->second.begin(), deletes->second.end());
  return plan;
}

bool is_stray(const Placement& placement, const Live& live) {
  return placement.desired != Desired::kRunning && live.wanted && live.state != "dead";
}

}  // namespace dm::master
