// What ends: stop, kill, delete; on workers that are here, and later on those that are not.
#include <algorithm>

#include "common/names.h"
#include "master/core/cluster.h"

namespace dm::master {
namespace {

constexpr std::int64_t kStopMs = 10'000;
constexpr std::int64_t kStopPatienceMs = 60'000;  // beyond the timeout of the stop itself

Error when_back(const Error& error, const std::string& worker) {
  return fail(error.code, error.message + ": will be done when " + worker + " returns");
}

}  // namespace

// --- stop and kill ---

void Cluster::do_stop(Request& request, const Command&, Now now) {
  end_instances(request, OrderKind::kStop, now);
}

void Cluster::do_kill(Request& request, const Command&, Now now) {
  end_instances(request, OrderKind::kKill, now);
}

void Cluster::end_instances(Request& request, OrderKind kind, Now now) {
  const auto& operands = request.invocation.operands;
  std::vector<std::string> words;
  std::vector<Order> strangers;
  for (const std::string& word : operands) {
    const auto workers = workers_with_foreign(word);
    for (const std::string& worker : workers)
      strangers.push_back(end_order(request, kind, word, worker));
    if (workers.empty()) words.push_back(word);
  }
  const auto targets = resolve_targets(words);
  if (!targets) return refuse(request, targets.error());
  std::vector<std::string> names;
  for (const std::string& name : *targets) {
    // Of an app or of all, those that ended long ago are not worth a line.
    const bool named = std::find(operands.begin(), operands.end(), name) != operands.end();
    const Placement& placement = state_.instances.at(name);
    const bool may_begin = placement.restart != "no" && placement.desired == Desired::kRunning;
    if (named || may_begin || may_live(name, now)) names.push_back(name);
  }
  if (names.empty() && strangers.empty()) return out_line(request.id, "nothing of it runs");
  const RequestId id = request.id;
  request.tried = request.waiting = static_cast<int>(names.size() + strangers.size());
  for (Order& order : strangers) {
    const std::string name = order.instance;
    if (const auto gone = away(order.worker))
      done_one(id, name, gone, now);
    else
      send_order(std::move(order), now);
  }
  for (const std::string& name : names)
    if (Request* still = find_request(id)) end_one(*still, kind, name, now);
}

// Foreign instances are left alone by the master, not by an operator who names them.
std::vector<std::string> Cluster::workers_with_foreign(const std::string& name) const {
  std::vector<std::string> workers;
  if (state_.instances.contains(name)) return workers;  // ours is meant
  for (const auto& [worker, view] : workers_)
    if (view.foreign.contains(name)) workers.push_back(worker);
  return workers;
}

// What ended last may have been revived by its policy, and we have yet to hear of it: while its
// worker wants it to run, or has said nothing since our own start. A launch that was given up may
// have come true.
bool Cluster::may_live(const std::string& name, Now now) const {
  const Placement& placement = state_.instances.at(name);
  const auto view = workers_.find(placement.worker);
  const auto live = live_.find(name);
  const bool wanted_there = live != live_.end() && live->second.wanted;
  const bool rests = view != workers_.end() && view->second.heard && !wanted_there;
  const bool heard_of =
      live != live_.end() && !live->second.state.empty() && live->second.run >= placement.run;
  const bool unsure = !placement.given_up.empty() && !heard_of;
  return row(name, now).state != "dead" || unsure || (placement.restart != "no" && !rests);
}

// The last call of many may end the request.
void Cluster::end_one(Request& request, OrderKind kind, const std::string& name, Now now) {
  const InstanceRow shown = row(name, now);
  const Placement& placement = state_.instances.at(name);
  const Desired wanted = kind == OrderKind::kKill ? Desired::kKilled : Desired::kStopped;
  const bool lives = may_live(name, now);
  if (placement.desired != wanted) record(print_desired(name, wanted));
  const auto gone = away(placement.worker);
  if (!lives) {
    out_line(request.id, name + " is dead already: " + shown.reason);
    return done_one(request.id, name, std::nullopt, now);
  }
  if (gone) return done_one(request.id, name, when_back(*gone, placement.worker), now);
  send_order(end_order(request, kind, name, placement.worker), now);
}

Cluster::Order Cluster::end_order(const Request& request, OrderKind kind, const std::string& name,
                                  const std::string& worker) {
  Order order;
  order.worker = worker;
  order.kind = kind;
  order.request = request.id;
  order.instance = name;
  order.line = Line(kind == OrderKind::kKill ? "KILL" : "STOP").add("instance", name);
  if (kind == OrderKind::kKill) return order;
  const std::int64_t timeout = request.invocation.duration_ms("--timeout", kStopMs);
  order.line.add("timeout_ms", timeout);
  if (request.invocation.has("--no-kill")) order.line.add("no_kill", 1);
  order.patience_ms = timeout + kStopPatienceMs;
  return order;
}

// Asked for by nobody who waits.
void Cluster::send_end(const std::string& instance, OrderKind kind, Now now) {
  const Placement& placement = state_.instances.at(instance);
  Order order = end_order(Request(), kind, instance, placement.worker);
  if (!placement.superseded_by.empty())
    order.line.add("because", "superseded by " + placement.superseded_by);
  else if (!placement.quarantined.empty())
    order.line.add("because", "quarantined: " + placement.quarantined);
  send_order(std::move(order), now);
}

void Cluster::settled_stop(const Order& order, const Line& answer,
                           const std::optional<Error>& error, Now now) {
  std::optional<Error> outcome = error;
  if (error && error->code == Code::kLost) outcome = when_back(*error, order.worker);
  // It never got there, or is gone with its app: that is what was wanted.
  const bool gone = error && error->code == Code::kNotFound && answer.verb() == "ERR";
  if (gone) outcome.reset();
  if (!outcome) {
    std::string reason(gone ? "" : answer.text("reason"));
    if (reason.empty()) reason = "it had not begun";
    out_line(order.request, order.instance + ": " + reason);
  }
  if (gone) end_unbegun(order.instance, now);
  // The answer says that nothing of it lives; an empty state speaks of a run begun since.
  const auto live = live_.find(order.instance);
  if (!outcome && live != live_.end() && !live->second.state.empty()) {
    live->second.state = "dead";
    live->second.wanted = false;
    live->second.pid.reset();
  }
  done_one(order.request, order.instance, outcome, now);
  if (!outcome) begin_successor(order.instance, now);
  const auto placement = state_.instances.find(order.instance);
  if (outcome || placement == state_.instances.end()) return;
  const auto deletes = state_.deletes.find(order.worker);
  const std::string app = placement->second.app;
  if (deletes != state_.deletes.end() && deletes->second.contains(app))
    delete_if_still(order.worker, app, now);
}

// Its worker does not know it: nothing will ever be heard of that run.
void Cluster::end_unbegun(const std::string& instance, Now now) {
  const auto found = state_.instances.find(instance);
  if (found == state_.instances.end() || found->second.desired == Desired::kRunning) return;
  live_.erase(instance);
  if (found->second.has_ended()) return;
  RunEnd end;
  end.run = found->second.last_run();
  end.ended_ms = now.wall_ms;
  end.reason = found->second.given_up;
  if (end.reason.empty()) end.reason = "stopped before it began";
  record_end(instance, end, std::nullopt, now);
}

// --- delete ---

void Cluster::do_delete(Request& request, const Command&, Now now) {
  std::string app = request.invocation.operands.front();
  if (app.starts_with("app/")) app = app.substr(4);
  const auto known = state_.apps.find(app);
  if (known == state_.apps.end() || (known->second.current.empty() && instances_of(app).empty()))
    return refuse(request, no_such("app", app));
  std::vector<std::string> from;
  if (const auto spec = request.invocation.value("--from")) {
    const auto resolved = resolve_workers(*spec);
    if (!resolved) return refuse(request, resolved.error());
    from = *resolved;
  }
  const auto is_meant = [&](const std::string& worker) {
    return from.empty() || std::find(from.begin(), from.end(), worker) != from.end();
  };
  std::vector<std::string> alive;
  for (const std::string& name : instances_of(app)) {
    const InstanceRow shown = row(name, now);
    const bool lives = shown.state != "dead" && !away(shown.placement->worker);
    if (lives && is_meant(shown.placement->worker)) alive.push_back(name);
  }
  if (!request.invocation.has("--force")) {
    if (!alive.empty())
      return refuse(request, fail(Code::kBusy, fold_names(alive) +
                                                   " still runs; stop it first, or say --force"));
    for (const auto& [key, transfer] : transfers_)
      if (transfer.app == app && is_meant(transfer.worker))
        return refuse(request, fail(Code::kBusy, app + " is on its way to " + transfer.worker +
                                                     "; wait for it, or say --force"));
  }
  if (alive.empty()) return delete_from(request, app, now);
  // Before anything ends: a master that dies on the way finishes it.
  for (const std::string& worker : delete_targets(request, app))
    record(Line("DELETING").add("app", app).add("worker", worker));
  request.stops_app = app;
  const RequestId id = request.id;
  request.tried = request.waiting = static_cast<int>(alive.size());
  for (const std::string& name : alive)
    if (Request* still = find_request(id)) end_one(*still, OrderKind::kStop, name, now);
}

// delete --force waits for its instances to end; meanwhile no new ones begin.
bool Cluster::is_being_deleted(const std::string& app) const {
  return std::any_of(requests_.begin(), requests_.end(),
                     [&](const auto& entry) { return entry.second.stops_app == app; });
}

std::set<std::string> Cluster::delete_targets(const Request& request,
                                              const std::string& app) const {
  std::set<std::string> targets;
  if (const auto spec = request.invocation.value("--from")) {
    const auto resolved = resolve_workers(*spec);
    if (resolved) targets.insert(resolved->begin(), resolved->end());
    return targets;
  }
  for (const auto& [sha, version] : state_.versions)
    if (version.app == app) targets.insert(version.sent_to.begin(), version.sent_to.end());
  for (const std::string& name : instances_of(app))
    targets.insert(state_.instances.at(name).worker);
  for (const auto& [worker, apps] : state_.deletes)
    if (apps.contains(app)) targets.insert(worker);
  return targets;
}

void Cluster::withdraw_delete(const Request& request, const std::string& app) {
  for (const std::string& worker : delete_targets(request, app))
    record(Line("DELETING").add("app", app).add("worker", worker).add("withdrawn", 1));
}

void Cluster::delete_from(Request& request, const std::string& app, Now now) {
  const std::set<std::string> targets = delete_targets(request, app);
  const RequestId id = request.id;
  const int count = static_cast<int>(targets.size());
  request.tried += count;
  request.waiting += count + 1;  // one for this function itself
  for (const std::string& worker : targets) {
    record(Line("DELETING").add("app", app).add("worker", worker));
    if (const auto gone = away(worker)) {
      done_one(id, worker, when_back(*gone, worker), now);
      continue;
    }
    Order order;
    order.worker = worker;
    order.kind = OrderKind::kDelete;
    order.request = id;
    order.app = app;
    order.line = Line("DELETE").add("app", app);
    send_order(std::move(order), now);
  }
  if (!request.invocation.has("--from")) {
    const std::int64_t next = state_.apps[app].next_number;
    record(Line("APP").add("app", app).add("next", next).add("deleted", 1));
    std::erase_if(manifests_,
                  [&](const auto& entry) { return !state_.versions.contains(entry.first); });
    out_line(id, "master: deleted");
    out_.push_back(CollectBlobs{});
  }
  --request.waiting;
}

void Cluster::settled_delete(const Order& order, const Line&, const std::optional<Error>& error,
                             Now now) {
  std::optional<Error> outcome = error;
  if (error && error->code == Code::kLost) outcome = when_back(*error, order.worker);
  const auto pending = state_.deletes.find(order.worker);
  const bool is_news = pending != state_.deletes.end() && pending->second.contains(order.app);
  if (!outcome) {
    for (const std::string& name : instances_of(order.app))
      if (state_.instances.at(name).worker == order.worker) live_.erase(name);
    record(Line("DELETED").add("app", order.app).add("worker", order.worker));
    ClusterEvent event;
    event.kind = "deleted";
    event.worker = order.worker;
    event.app = order.app;
    event.text = order.app + " was deleted from " + order.worker;
    if (is_news) happened(std::move(event), now);
    out_line(order.request, order.worker + ": deleted");
  } else {
    mend_soon(now);
  }
  done_one(order.request, order.worker, outcome, now);
}

}  // namespace dm::master
