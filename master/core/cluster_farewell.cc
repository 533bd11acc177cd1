// A worker that will not come back: what was to move moves, of the rest nobody will tell how it
// ended.
#include "master/core/cluster.h"

namespace dm::master {

void Cluster::do_forget(Request& request, const Command&, Now now) {
  std::string name = request.invocation.operands.front();
  if (name.starts_with("worker/")) name = name.substr(7);
  const auto view = workers_.find(name);
  if (!is_known(name) || view == workers_.end()) return refuse(request, no_such("worker", name));
  WorkerView& worker = view->second;
  // One that is lost may hang, its connection open.
  if (worker.session != 0 && worker.presence != Presence::kLost)
    return refuse(request, fail(Code::kBusy, "worker " + name + " is connected; end it first"));
  if (worker.session != 0) {
    sessions_.erase(worker.session);
    out_.push_back(CloseSession{worker.session, "worker " + name + " was forgotten"});
    worker.session = 0;
  }
  // Of what nobody will come back for, nothing is promised to be done later.
  if (worker.presence != Presence::kLeft) worker.presence = Presence::kLost;
  give_up_orders(name, fail(Code::kNotFound, "worker " + name + " was forgotten"), now);
  std::vector<std::string> names;
  for (const auto& [instance, placement] : state_.instances)
    if (placement.worker == name) names.push_back(instance);
  for (const std::string& instance : names) move_for_good(request, instance, now);
  for (const std::string& instance : names) end_for_good(request, instance, now);
  for (const std::string& instance : names) live_.erase(instance);
  workers_.erase(name);
  record(Line("FORGET").add("worker", name));
  // What nobody but it has spoken of went with it; others may have that too.
  for (auto& [other, there] : workers_)
    if (there.synced && is_known(other)) learn_numbers(there, now);
  out_line(request.id, "worker " + name + " is forgotten");
}

// Without waiting for --move-after: the operator knows that it is gone. Under a fence nothing
// moves.
void Cluster::move_for_good(const Request& request, const std::string& name, Now now) {
  if (!state_.fence.empty() || !is_movable(name, now) || !has_successor(name, now)) return;
  const Placement& placement = state_.instances.at(name);
  if (is_to_be_quarantined(placement, now)) return quarantine(name, now);
  const WorkerView* target = choose_heir(placement.worker, now);
  if (target == nullptr)
    return out_line(request.id, name + " was to move, and there is no worker that could take it");
  const std::string worker = target->name;
  move_one(name, *target, MoveReason::kWorkerLost, now);
  out_line(request.id,
           name + " moves to " + worker + " as " + state_.instances.at(name).superseded_by);
}

// If nobody can take it now, one that is not here either: it begins when that returns, or moves on.
const WorkerView* Cluster::choose_heir(const std::string& worker, Now now) const {
  if (const WorkerView* best = choose_anywhere({worker}, IfAllAreFull::kLeastLoaded, now))
    return best;
  for (const auto& [name, view] : workers_)
    if (is_known(name) && name != worker && !view.cordoned && !view.synced) return &view;
  return nullptr;
}

void Cluster::end_for_good(const Request& request, const std::string& name, Now now) {
  const Placement& placement = state_.instances.at(name);
  if (may_live(name, now)) hold_lease(name, now);
  if (placement.has_ended()) return;
  RunEnd end;
  end.run = placement.last_run();
  const auto live = live_.find(name);
  if (live != live_.end() && live->second.run == end.run) {
    end.pid = live->second.pid;
    end.started_ms = live->second.started_ms;
  }
  end.ended_ms = now.wall_ms;
  end.reason = placement.given_up;
  if (end.reason.empty())
    end.reason = "worker " + placement.worker + " was forgotten: exit status unknown";
  out_line(request.id, name + ": " + end.reason);
  record_end(name, end, std::nullopt, now);
}

}  // namespace dm::master
