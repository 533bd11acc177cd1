// Dead workers: their movable instances are launched elsewhere.
#include <utility>

#include "common/names.h"
#include "master/core/cluster.h"

namespace dm::master {
namespace {

constexpr std::int64_t kHoldMs = 30'000;  // after a start, workers are given that long to return
constexpr std::int64_t kRetryMs = 1000;   // nobody could take it
constexpr int kMostMoves = 3;             // in a row, each followed by the loss of the new worker
constexpr std::int64_t kSoonMs = 60'000;
constexpr int kMostCrashes = 5;  // in a row on one worker

}  // namespace

FailoverView Cluster::failover_view(Now now) const {
  FailoverView view;
  view.now_mono_ms = now.mono_ms;
  view.move_after_ms = options_.move_after_ms;
  view.hold_until_mono_ms = hold_until_mono_ms_;
  view.suspended = failover_suspended_;
  view.resumed_mono_ms = failover_resumed_mono_ms_;
  for (const auto& [name, worker] : workers_) {
    if (!is_known(name)) continue;
    const bool lost = worker.presence == Presence::kLost;
    const bool away = lost || worker.presence == Presence::kLeft;
    view.workers.push_back({name, away, lost, worker.away_since_mono_ms});
  }
  return view;
}

void Cluster::begin_failover(Now now) {
  hold_until_mono_ms_ = state_.workers.empty() ? 0 : now.mono_ms + kHoldMs;
}

void Cluster::fail_over(Now now) {
  if (!state_.fence.empty()) {
    next_failover_mono_ms_ = INT64_MAX;  // a fence stands for the rest of this life
    return;
  }
  const FailoverView view = failover_view(now);
  const FailoverPlan plan = plan_failover(view);
  next_failover_mono_ms_ = next_failover(view);
  ClusterEvent event;
  if (plan.change == FailoverPlan::Change::kSuspend) {
    failover_suspended_ = true;
    event.kind = "failover-suspended";
    event.text = std::to_string(plan.vanished) + " of " + std::to_string(view.workers.size()) +
                 " workers vanished at once: the fault may be the master's own, nothing is moved; "
                 "'failover resume' moves all the same";
    out_.push_back(Say{event.text});
    return happened(std::move(event), now);
  }
  if (plan.change == FailoverPlan::Change::kGoOn) {
    failover_suspended_ = false;
    event.kind = "failover-resumed";
    event.text = "most workers are back: failover goes on";
    happened(std::move(event), now);
    return fail_over(now);
  }
  for (const std::string& worker : plan.move_from) move_from(worker, now);
}

bool Cluster::is_movable(const std::string& name, Now now) const {
  const Placement& placement = state_.instances.at(name);
  if (placement.on_lost != "move" || placement.desired != Desired::kRunning) return false;
  if (!state_.versions.contains(placement.version)) return false;
  return row(name, now).state != "dead" && !is_launching(name);
}

void Cluster::move_from(const std::string& worker, Now now) {
  std::vector<std::string> names;
  for (const auto& [name, placement] : state_.instances)
    if (placement.worker == worker && is_movable(name, now)) names.push_back(name);
  for (const std::string& name : names) {
    if (!has_successor(name, now)) continue;
    if (is_to_be_quarantined(state_.instances.at(name), now)) {
      quarantine(name, now);
      continue;
    }
    const WorkerView* target = choose_anywhere({}, IfAllAreFull::kLeastLoaded, now);
    if (target == nullptr) return wait_for_room(worker, now);
    failover_waits_ = false;
    move_one(name, *target, MoveReason::kWorkerLost, now);
  }
}

// Said once, until something moves again.
void Cluster::wait_for_room(const std::string& worker, Now now) {
  next_failover_mono_ms_ = now.mono_ms + kRetryMs;
  if (std::exchange(failover_waits_, true)) return;
  ClusterEvent event;
  event.kind = "failover-waits";
  event.worker = worker;
  event.text =
      "no worker is available to take the instances of " + worker + ": they move as soon as one is";
  happened(std::move(event), now);
}

// The old one is stopped for good, also on its worker should that return; the new one has a name
// of its own, and begins when the old one has ended or cannot be asked.
void Cluster::move_one(const std::string& name, const WorkerView& target, MoveReason reason,
                       Now now) {
  const Placement old = state_.instances.at(name);
  const std::string worker = target.name;
  const auto successor = state_.next_name(old.app);
  if (!successor) return;  // see has_successor()
  const std::string& fresh = *successor;
  Placement placement = old;
  placement.worker = worker;
  placement.created_ms = now.wall_ms;
  placement.who.clear();
  placement.asked_by.clear();
  placement.replaces = name;
  placement.pinned = false;
  placement.desired = Desired::kRunning;
  placement.run = 1;
  placement.begun = placement.begun_ms = 0;
  if (reason == MoveReason::kCrashes) {
    placement.tried.push_back(old.worker);
  } else if (const Loss loss = loss_of(old, now); loss != Loss::kBeforeItBegan) {
    placement.moves = loss == Loss::kSoon ? old.moves + 1 : 1;
  }
  record(print_placement(fresh, placement));
  Line desired = print_desired(name, Desired::kStopped);
  record(desired.add("superseded_by", fresh));
  ++workers_[worker].placed_since_beat;
  ClusterEvent event;
  event.kind = "moved";
  event.worker = worker;
  event.instance = fresh;
  event.app = old.app;
  event.replaces = name;
  event.text = fresh + " on " + worker + " replaces=" + name + " of " + old.worker;
  if (reason == MoveReason::kCrashes)
    event.text += ", where it died " + std::to_string(kMostCrashes) + " times in a row";
  happened(std::move(event), now);
  if (!away(old.worker) && !has_order(name)) send_end(name, OrderKind::kStop, now);
  if (!away(worker)) install_or_launch(fresh, 0, now);
}

// Where an instance keeps crashing another worker may do better: each is tried once.
bool Cluster::should_try_elsewhere(const std::string& name) const {
  const Placement& placement = state_.instances.at(name);
  if (placement.last_end->crashes < kMostCrashes || !is_revived(placement)) return false;
  return placement.on_lost == "move" && state_.versions.contains(placement.version);
}

// When all have been tried it stays where it is, and its worker is told so with the end's ACK.
// Who is full just now has still to be tried.
const WorkerView* Cluster::elsewhere(const std::string& name, IfAllAreFull fallback, Now now) {
  if (!has_successor(name, now)) return nullptr;
  const Placement& placement = state_.instances.at(name);
  std::set<std::string> tried(placement.tried.begin(), placement.tried.end());
  tried.insert(placement.worker);
  return choose_anywhere(tried, fallback, now);
}

// Without a number for the one that would take its place it stays where it is. Said once an app.
bool Cluster::has_successor(const std::string& name, Now now) {
  const std::string& app = state_.instances.at(name).app;
  const auto fresh = state_.next_name(app);
  if (fresh) return true;
  if (used_up_.insert(app).second) say(name + " is not moved: " + fresh.error().message, now);
  return false;
}

// A worker that was lost before it began there was not lost by its fault, nor was one that had
// run it for long, or said goodbye.
Cluster::Loss Cluster::loss_of(const Placement& placement, Now now) const {
  if (placement.begun == 0 && !placement.last_end) return Loss::kBeforeItBegan;
  const WorkerView& worker = workers_.at(placement.worker);
  if (worker.presence == Presence::kLeft) return Loss::kLate;
  const std::int64_t lost_ms = now.wall_ms - (now.mono_ms - worker.last_beat_mono_ms);
  const std::int64_t begun = placement.begun_ms > 0 ? placement.begun_ms : placement.created_ms;
  return lost_ms - begun < kSoonMs ? Loss::kSoon : Loss::kLate;
}

bool Cluster::is_to_be_quarantined(const Placement& placement, Now now) const {
  return placement.moves >= kMostMoves && loss_of(placement, now) == Loss::kSoon;
}

// An app that kills its host must not be carried from one to the next.
void Cluster::quarantine(const std::string& name, Now now) {
  const std::string why =
      "each of the last " + std::to_string(kMostMoves) + " workers that ran it was lost soon after";
  Line desired = print_desired(name, Desired::kStopped);
  record(desired.add("quarantined", why));
  ClusterEvent event;
  event.kind = "quarantined";
  event.instance = name;
  event.app = state_.instances.at(name).app;
  event.text = name + " is not moved again: " + why + "; 'launch' starts it anew";
  happened(std::move(event), now);
}

const WorkerView* Cluster::choose_anywhere(const std::set<std::string>& but, IfAllAreFull fallback,
                                           Now now) const {
  std::vector<const WorkerView*> candidates;
  for (const auto& [name, view] : workers_)
    if (is_known(name) && !but.contains(name) && view.synced &&
        is_available(view, now, options_.heartbeat_ms))
      candidates.push_back(&view);
  return choose(candidates, fallback);
}

void Cluster::do_failover(Request& request, const Command&, Now now) {
  if (request.invocation.command->name == "failover") {
    if (!state_.fence.empty()) return out_line(request.id, "suspended: " + state_.fence);
    return out(request.id, failover_suspended_ ? "suspended: too many workers vanished at once\n"
                           : is_held(failover_view(now))
                               ? "waiting for known workers to come back\n"
                               : "active\n");
  }
  failover_suspended_ = false;
  failover_resumed_mono_ms_ = next_failover_mono_ms_ = now.mono_ms;
  hold_until_mono_ms_ = 0;
  out(request.id, "failover goes on\n");
  // The operator has seen the workers and means it: what is due moves now.
  const FailoverView view = failover_view(now);
  for (const WorkerAbsence& worker : view.workers)
    if (worker.away && now.mono_ms - worker.since_mono_ms >= options_.move_after_ms)
      move_from(worker.name, now);
}

}  // namespace dm::master
