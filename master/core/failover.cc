#include "master/core/failover.h"

#include <utility>

#include "common/names.h"
#include "master/decide/phase.h"

namespace dm::master {
namespace {

constexpr std::int64_t kHoldMs = 30'000;  // after a start, workers are given that long to return
constexpr std::int64_t kRetryMs = 1000;   // nobody could take it
constexpr int kMostAtOnce = 100;
}  // namespace

FailoverView Failover::view(Now now) const {
  FailoverView seen;
  seen.now_mono_ms = now.mono_ms;
  seen.move_after_ms = options_.move_after_ms;
  seen.move_left_ms = options_.move_left_ms;
  seen.hold_until_mono_ms = hold_until_mono_ms_;
  seen.suspended = suspended_;
  seen.resumed_mono_ms = resumed_mono_ms_;
  for (const auto& [name, worker] : facts_.roster.all()) {
    if (!state_.knows_worker(name)) continue;
    const bool lost = worker.presence == Presence::kLost;
    const bool away = lost || worker.presence == Presence::kLeft;
    seen.workers.push_back(
        {name, away, lost, away && !lost && worker.stays, worker.away_since_mono_ms});
  }
  return seen;
}

std::string Failover::describe(Now now) const {
  if (!state_.fence.empty()) return "suspended: " + state_.fence;
  if (suspended_) return "suspended: too many workers vanished at once";
  return is_held(view(now)) ? "waiting for known workers to come back" : "active";
}

// The operator has seen the workers and means it: what is due moves now.
void Failover::resume(Now now) {
  suspended_ = false;
  resumed_mono_ms_ = now.mono_ms;
  timers_.set(Timers::Work::kFailover, now.mono_ms);
  hold_until_mono_ms_ = 0;
  const FailoverView seen = view(now);
  for (const WorkerAbsence& worker : seen.workers)
    if (worker.away && now.mono_ms - worker.since_mono_ms >= options_.move_after_ms)
      move_from(worker.name, now);
}

void Failover::leave_for_good(const Request& request, const std::string& worker, Now now) {
  const std::set<std::string> names = state_.placed_on(worker);
  for (const std::string& instance : names) move_for_good(request, instance, now);
  for (const std::string& instance : names) end_for_good(request, instance, now);
}

void Failover::begin(Now now) {
  hold_until_mono_ms_ = state_.workers.empty() ? 0 : now.mono_ms + kHoldMs;
}

void Failover::tick(Now now) {
  if (timers_.take_due(Timers::Work::kFailover, now) || std::exchange(is_stale_, false)) run(now);
}

void Failover::run(Now now) {
  if (!state_.fence.empty()) {
    timers_.set(Timers::Work::kFailover,
                Timers::kNever);  // a fence stands for the rest of this life
    return;
  }
  const FailoverView seen = view(now);
  const FailoverPlan plan = plan_failover(seen);
  timers_.set(Timers::Work::kFailover, next_failover(seen));
  ClusterEvent event;
  if (plan.change == FailoverPlan::Change::kSuspend) {
    suspended_ = true;
    event.kind = "failover-suspended";
    event.text = std::to_string(plan.vanished) + " of " + std::to_string(seen.workers.size()) +
                 " workers vanished at once: the fault may be the master's own, nothing is moved; "
                 "'failover resume' moves all the same";
    out_.push_back(Say{event.text});
    return recorder_.emit(std::move(event), now);
  }
  if (plan.change == FailoverPlan::Change::kGoOn) {
    suspended_ = false;
    event.kind = "failover-resumed";
    event.text = "most workers are back: failover goes on";
    recorder_.emit(std::move(event), now);
    return run(now);
  }
  for (const std::string& worker : plan.move_from) move_from(worker, now);
  for (const std::string& worker : plan.move_leased_from) move_from(worker, now, Which::kLeased);
}

void Failover::move_from(const std::string& worker, Now now, Which which) {
  std::vector<std::string> names;
  for (const std::string& name : state_.placed_on(worker))
    if (is_movable(facts_, name) &&
        (which == Which::kAll || state_.instances.at(name).lease_ms > 0))
      names.push_back(name);
  int moved = 0;
  for (const std::string& name : names) {
    if (!has_replacement(name, now)) continue;
    // The rest is decided again, after beats were read and sent.
    if (++moved > kMostAtOnce) return timers_.set(Timers::Work::kFailover, now.mono_ms);
    if (is_to_be_quarantined(facts_, state_.instances.at(name), now)) {
      quarantine(name, now);
      continue;
    }
    const WorkerView* target =
        choose_anywhere(facts_, options_.heartbeat_ms, {}, IfAllAreFull::kLeastLoaded, now);
    if (target == nullptr) return wait_for_room(worker, now);
    waits_ = false;
    move_one(name, *target, MoveReason::kWorkerLost, now);
  }
}

// Said once, until something moves again.
void Failover::wait_for_room(const std::string& worker, Now now) {
  timers_.set(Timers::Work::kFailover, now.mono_ms + kRetryMs);
  if (std::exchange(waits_, true)) return;
  ClusterEvent event;
  event.kind = "failover-waits";
  event.worker = worker;
  event.text =
      "no worker is available to take the instances of " + worker + ": they move as soon as one is";
  recorder_.emit(std::move(event), now);
}

// The old one is stopped for good, also on its worker should that return; the new one has a name
// of its own, and begins when the old one has ended or cannot be asked.
void Failover::move_one(const std::string& name, const WorkerView& target, MoveReason reason,
                        Now now) {
  const Placement old = state_.instances.at(name);
  const std::string worker = target.name;
  const auto successor = state_.next_name(old.app);
  if (!successor) return;  // see has_replacement()
  const std::string& fresh = *successor;
  const Placement placement = replacement_of(facts_, name, worker, reason, now);
  recorder_.record(print_placement(fresh, placement));
  Line desired = print_desired(name, Desired::kStopped);
  recorder_.record(desired.add("superseded_by", fresh));
  roster_.place_on(worker);
  ClusterEvent event;
  event.kind = "moved";
  event.worker = worker;
  event.instance = fresh;
  event.app = old.app;
  event.replaces = name;
  event.text = fresh + " on " + worker + " replaces=" + name + " of " + old.worker;
  if (reason == MoveReason::kCrashes)
    event.text += ", where it died " + std::to_string(kMostCrashes) + " times in a row";
  recorder_.emit(std::move(event), now);
  if (!facts_.roster.away(old.worker) && !facts_.underway.has_order(name)) ends_.send(name, now);
  if (!facts_.roster.away(worker)) launches_.install_or_launch(fresh, 0, now);
}

// When all have been tried it stays where it is, and its worker is told so with the end's ACK.
// Who is full just now has still to be tried.
const WorkerView* Failover::elsewhere(const std::string& name, IfAllAreFull fallback, Now now) {
  if (!has_replacement(name, now)) return nullptr;
  const Placement& placement = state_.instances.at(name);
  std::set<std::string> tried(placement.tried.begin(), placement.tried.end());
  tried.insert(placement.worker);
  return choose_anywhere(facts_, options_.heartbeat_ms, tried, fallback, now);
}

// Without a number for the one that would take its place it stays where it is. Said once an app.
bool Failover::has_replacement(const std::string& name, Now now) {
  const std::string& app = state_.instances.at(name).app;
  const auto fresh = state_.next_name(app);
  if (fresh) return true;
  if (used_up_.insert(app).second)
    recorder_.log(name + " is not moved: " + fresh.error().message, now);
  return false;
}

// An app that kills its host must not be carried from one to the next.
void Failover::quarantine(const std::string& name, Now now) {
  const std::string why =
      "each of the last " + std::to_string(kMostMoves) + " workers that ran it was lost soon after";
  Line desired = print_desired(name, Desired::kStopped);
  recorder_.record(desired.add("quarantined", why));
  ClusterEvent event;
  event.kind = "quarantined";
  event.instance = name;
  event.app = state_.instances.at(name).app;
  event.text = name + " is not moved again: " + why + "; 'launch' starts it anew";
  recorder_.emit(std::move(event), now);
}

// Without waiting for --move-after: the operator knows that it is gone. Under a fence nothing
// moves.
void Failover::move_for_good(const Request& request, const std::string& name, Now now) {
  if (!state_.fence.empty() || !is_movable(facts_, name) || !has_replacement(name, now)) return;
  const Placement& placement = state_.instances.at(name);
  if (is_to_be_quarantined(facts_, placement, now)) return quarantine(name, now);
  const WorkerView* target = choose_for_good(placement.worker, now);
  if (target == nullptr)
    return requests_.out_line(request.id,
                              name + " was to move, and there is no worker that could take it");
  const std::string worker = target->name;
  move_one(name, *target, MoveReason::kWorkerLost, now);
  requests_.out_line(
      request.id, name + " moves to " + worker + " as " + state_.instances.at(name).superseded_by);
}

// If nobody can take it now, one that is not here either: it begins when that returns, or moves on.
const WorkerView* Failover::choose_for_good(const std::string& worker, Now now) const {
  if (const WorkerView* best =
          choose_anywhere(facts_, options_.heartbeat_ms, {worker}, IfAllAreFull::kLeastLoaded, now))
    return best;
  for (const auto& [name, view] : facts_.roster.all())
    if (state_.knows_worker(name) && name != worker && !view.cordoned && !view.synced) return &view;
  return nullptr;
}

void Failover::end_for_good(const Request& request, const std::string& name, Now now) {
  const Placement& placement = state_.instances.at(name);
  if (may_live(facts_, name)) leases_.hold(name, now);
  if (placement.has_ended()) return;
  RunEnd end;
  end.run = placement.last_run();
  const Live* live = facts_.reports.find(name);
  if (live != nullptr && live->run == end.run) {
    end.pid = live->pid;
    end.started_ms = live->started_ms;
  }
  end.ended_ms = now.wall_ms;
  end.reason = placement.given_up;
  if (end.reason.empty())
    end.reason = "worker " + placement.worker + " was forgotten: exit status unknown";
  requests_.out_line(request.id, name + ": " + end.reason);
  run_ends_.record(name, end, std::nullopt, now);
}

}  // namespace dm::master
