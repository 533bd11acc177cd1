#include "master/core/deletes.h"

#include <utility>

#include "common/names.h"

namespace dm::master {

Error when_back(const Error& error, const std::string& worker) {
  return fail(error.code, error.message + ": will be done when " + worker + " returns");
}

std::set<std::string> Deletes::targets(const Request& request, const std::string& app) const {
  std::set<std::string> targets;
  if (const auto spec = request.invocation.value("--from")) {
    const auto resolved = lookup_.workers(*spec);
    if (resolved) targets.insert(resolved->begin(), resolved->end());
    return targets;
  }
  for (const auto& [sha, version] : state_.versions)
    if (version.app == app) targets.insert(version.sent_to.begin(), version.sent_to.end());
  for (const std::string& name : state_.instances_of(app))
    targets.insert(state_.instances.at(name).worker);
  for (const auto& [worker, apps] : state_.deletes)
    if (apps.contains(app)) targets.insert(worker);
  return targets;
}

void Deletes::after_stops(Request& request, const std::string& app) {
  const std::set<std::string> workers = targets(request, app);
  for (const std::string& worker : workers)
    recorder_.record(Line("DELETING").add("app", app).add("worker", worker));
  stopping_.insert(app);
  request.then = [this, app](Request& stopped, Now now) {
    stopping_.erase(stopping_.find(app));
    // What could not be stopped keeps its files; what a lost worker runs is ended when it returns.
    if (stopped.failed == 0 || stopped.error->code == Code::kLost)
      return delete_from(stopped, app, now);
    for (const std::string& worker : targets(stopped, app))
      recorder_.record(Line("DELETING").add("app", app).add("worker", worker).add("withdrawn", 1));
  };
}

void Deletes::delete_from(Request& request, const std::string& app, Now now) {
  const std::set<std::string> workers = targets(request, app);
  const RequestId id = request.id;
  const int count = static_cast<int>(workers.size());
  request.tried += count;
  request.waiting += count + 1;  // one for this function itself
  for (const std::string& worker : workers) {
    recorder_.record(Line("DELETING").add("app", app).add("worker", worker));
    if (const auto gone = facts_.roster.away(worker)) {
      requests_.done_one(id, worker, when_back(*gone, worker), now);
      continue;
    }
    send(worker, app, id, now);
  }
  if (!request.invocation.has("--from")) {
    const std::int64_t next = state_.apps.at(app).next_number;
    recorder_.record(Line("APP").add("app", app).add("next", next).add("deleted", 1));
    catalog_.drop_unused(state_);
    requests_.out_line(id, "master: deleted");
    out_.push_back(CollectBlobs{});
  }
  --request.waiting;
}

void Deletes::settled(const Order& order, const std::optional<Error>& error, Now now) {
  std::optional<Error> outcome = error;
  if (error && error->code == Code::kLost) outcome = when_back(*error, order.worker);
  const auto pending = state_.deletes.find(order.worker);
  const bool is_news = pending != state_.deletes.end() && pending->second.contains(order.app);
  if (!outcome) {
    for (const std::string& name : state_.instances_of(order.app))
      if (state_.instances.at(name).worker == order.worker) reports_.erase(name);
    Line deleted("DELETED");
    deleted.add("app", order.app).add("worker", order.worker);
    // What was sent after it lies there all the same.
    for (const std::string& version : orders_.installs(order.worker, order.app))
      deleted.add("sent", version);
    recorder_.record(deleted);
    ClusterEvent event;
    event.kind = "deleted";
    event.worker = order.worker;
    event.app = order.app;
    event.text = order.app + " was deleted from " + order.worker;
    if (is_news) recorder_.emit(std::move(event), now);
    requests_.out_line(order.request, order.worker + ": deleted");
  } else {
    timers_.reconcile_soon(now);
  }
  requests_.done_one(order.request, order.worker, outcome, now);
}

// Sends the DELETE of an app once nothing of it lives on the worker; what lives is stopped
// first, and its end brings us here again.
void Deletes::delete_if_still(const std::string& worker, const std::string& app, Now now) {
  bool waits = false;
  for (const std::string& name : state_.instances_of(app)) {
    const Live* live = reports_.find(name);
    const bool lives = live != nullptr && live->state != "dead";
    if (state_.instances.at(name).worker != worker || !lives) continue;
    waits = true;
    if (state_.instances.at(name).desired == Desired::kRunning)
      recorder_.record(print_desired(name, Desired::kStopped));
    if (!facts_.underway.has_order(name)) ends_.send(name, now);
  }
  // Its end need not come by an order of ours.
  if (waits) return timers_.reconcile_soon(now);
  if (orders_.has_delete(worker, app)) return;
  send(worker, app, 0, now);
}

void Deletes::go_on(const std::string& worker, const std::string& app, Now now) {
  const auto pending = state_.deletes.find(worker);
  if (pending != state_.deletes.end() && pending->second.contains(app))
    delete_if_still(worker, app, now);
}

void Deletes::send(const std::string& worker, const std::string& app, RequestId request, Now now) {
  Order order;
  order.worker = worker;
  order.kind = OrderKind::kDelete;
  order.request = request;
  order.app = app;
  order.line = Line("DELETE").add("app", app);
  orders_.send(std::move(order), now);
}

}  // namespace dm::master
