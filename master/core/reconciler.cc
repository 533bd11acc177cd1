#include "master/core/reconciler.h"

#include "master/decide/reconcile.h"

namespace dm::master {

void Reconciler::reconcile(const std::string& worker, Now now) {
  const WorkerPlan plan = plan_worker(facts_, worker);
  for (const std::string& name : plan.ends) ends_.send(name, now);
  for (const std::string& name : plan.launches) launches_.launch_again(name, now);
  for (const std::string& app : plan.deletes) deletes_.delete_if_still(worker, app, now);
}

void Reconciler::check_stray(const std::string& instance, const Live& live, Now now) {
  const Placement& placement = facts_.state.instances.at(instance);
  if (is_stray(placement, live) && !facts_.underway.has_order(instance)) ends_.send(instance, now);
}

void Reconciler::tick(Now now) {
  if (!timers_.take_due(Timers::Work::kReconcile, now)) return;
  for (const auto& [name, worker] : facts_.roster.all())
    if (worker.synced && !facts_.roster.away(name)) reconcile(name, now);
}

}  // namespace dm::master
