// What is not as it should be is made so: when a worker has said all it knows, and again until it
// is done. So a master that died in the middle finishes what it had begun.
#include <algorithm>

#include "master/core/cluster.h"

namespace dm::master {
namespace {

constexpr std::int64_t kMendMs = 5000;  // until what did not succeed is tried again

}  // namespace

void Cluster::on_synced(WorkerView& worker, const Line&, Now now) {
  worker.synced = worker.heard = true;
  for (auto& [number, order] : orders_)
    if (order.worker == worker.name && !order.sent) post(order, now);
  end_missing(worker, now);
  worker.reported.clear();
  if (is_known(worker.name)) learn_numbers(worker, now);
  tell_foreign(worker, now);
  mend(worker.name, now);
  forget_soon(now);
  want_missing_tails(worker, now);
}

// What was begun there, and of which the worker says nothing, has ended without a witness.
void Cluster::end_missing(WorkerView& worker, Now now) {
  const std::set<std::string> ordered = ordered_instances();
  std::vector<std::string> missing;
  for (const auto& [name, placement] : state_.instances) {
    const bool waits = ordered.contains(name) || launching_.contains(name);
    if (placement.worker != worker.name || worker.reported.contains(name) || waits) continue;
    live_.erase(name);
    if (!placement.has_ended() && !is_unbegun(name)) missing.push_back(name);
  }
  for (const std::string& name : missing) {
    RunEnd end;
    const Placement& placement = state_.instances.at(name);
    end.run = placement.last_run();
    end.ended_ms = now.wall_ms;
    end.reason = placement.given_up;
    if (end.reason.empty()) end.reason = "worker " + worker.name + " has no record of it";
    hold_lease(name, now);
    record_end(name, end, std::nullopt, now);
  }
}

// A launch that was asked for, and of which nobody has heard how it went. Its worker keeps to
// once for each run, however often it is asked.
bool Cluster::is_unbegun(const std::string& name) const {
  const Placement& placement = state_.instances.at(name);
  if (placement.desired != Desired::kRunning || placement.begun >= placement.run) return false;
  if (placement.has_ended()) return false;
  const auto live = live_.find(name);
  return live == live_.end() || live->second.state.empty() || live->second.run < placement.run;
}

// Nobody has heard of its start; or its worker gave it up, and nobody was there to hear why.
bool Cluster::will_begin(const std::string& name) const {
  const Placement& placement = state_.instances.at(name);
  if (placement.desired != Desired::kRunning) return false;
  const auto live = live_.find(name);
  const bool given_up = placement.restart != "no" && live != live_.end() && !live->second.wanted &&
                        live->second.state == "dead";
  return given_up || is_unbegun(name);
}

std::set<std::string> Cluster::ordered_instances() const {
  std::set<std::string> names;
  for (const auto& [number, order] : orders_)
    if (order.kind != OrderKind::kLog) names.insert(order.instance);
  return names;
}

void Cluster::mend_soon(Now now) {
  next_mend_mono_ms_ = std::min(next_mend_mono_ms_, now.mono_ms + kMendMs);
}

void Cluster::mend_if_due(Now now) {
  if (next_mend_mono_ms_ > now.mono_ms) return;
  next_mend_mono_ms_ = INT64_MAX;
  for (const auto& [name, worker] : workers_)
    if (worker.synced && !away(name)) mend(name, now);
}

void Cluster::launch_again(const std::string& name, Now now) {
  const Placement& placement = state_.instances.at(name);
  if (stands_back(name, now)) return mend_soon(now);
  // Its worker may know of a later run than this journal, which is perhaps an old copy: a run that
  // the worker has had is never begun again.
  const auto live = live_.find(name);
  std::int64_t last = placement.has_ended() ? placement.last_end->run : 0;
  if (live != live_.end() && live->second.state == "dead" && live->second.run >= placement.run)
    last = std::max({last, live->second.run, placement.begun});
  if (last > 0) {
    Line again = print_desired(name, Desired::kRunning);
    record(again.add("run", last + 1));
  }
  install_or_launch(name, 0, now);
}

void Cluster::mend(const std::string& worker, Now now) {
  const std::set<std::string> ordered = ordered_instances();
  std::vector<std::string> unbegun;
  for (const auto& [name, placement] : state_.instances) {
    if (placement.worker != worker || ordered.contains(name) || launching_.contains(name)) continue;
    const auto live = live_.find(name);
    if (placement.desired == Desired::kRunning) {
      if (will_begin(name)) unbegun.push_back(name);
      continue;
    }
    if (live == live_.end()) continue;
    // What rests and is wanted there may be revived by its policy, and its successor waits for
    // that.
    const bool rests = live->second.state == "dead";
    if (rests && (!live->second.wanted || placement.restart == "no")) continue;
    const bool kills = placement.desired == Desired::kKilled;
    // A stop that the worker knows of is its own to finish, with the patience it was given.
    if (live->second.wanted || kills)
      send_end(name, kills ? OrderKind::kKill : OrderKind::kStop, now);
  }
  for (const std::string& name : unbegun) launch_again(name, now);
  const auto deletes = state_.deletes.find(worker);
  if (deletes == state_.deletes.end()) return;
  const std::set<std::string> apps = deletes->second;
  for (const std::string& app : apps) delete_if_still(worker, app, now);
}

// Sends the DELETE of an app once nothing of it lives on the worker; what lives is stopped
// first, and its end brings us here again.
void Cluster::delete_if_still(const std::string& worker, const std::string& app, Now now) {
  bool waits = false;
  for (const std::string& name : instances_of(app)) {
    const auto live = live_.find(name);
    const bool lives = live != live_.end() && live->second.state != "dead";
    if (state_.instances.at(name).worker != worker || !lives) continue;
    waits = true;
    if (state_.instances.at(name).desired == Desired::kRunning)
      record(print_desired(name, Desired::kStopped));
    const bool kills = state_.instances.at(name).desired == Desired::kKilled;
    if (!has_order(name)) send_end(name, kills ? OrderKind::kKill : OrderKind::kStop, now);
  }
  const bool under_way = std::any_of(orders_.begin(), orders_.end(), [&](const auto& entry) {
    return entry.second.kind == OrderKind::kDelete && entry.second.worker == worker &&
           entry.second.app == app;
  });
  // Its end need not come by an order of ours.
  if (waits) return mend_soon(now);
  if (under_way) return;
  Order order;
  order.worker = worker;
  order.kind = OrderKind::kDelete;
  order.app = app;
  order.line = Line("DELETE").add("app", app);
  send_order(std::move(order), now);
}

}  // namespace dm::master
