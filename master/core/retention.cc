#include "master/core/retention.h"

#include <utility>

#include "common/names.h"
#include "master/decide/phase.h"
#include "master/decide/retention.h"

namespace dm::master {
namespace {

constexpr std::size_t kMostAtOnce = 100;  // instances of one order

}  // namespace

void Retention::tick(Now now) {
  if (!timers_.take_due(Timers::Work::kPrune, now)) return;
  const auto keep = static_cast<std::size_t>(options_.keep_ended);
  const PrunePlan plan = plan_pruning(facts_, keep, kMostAtOnce);
  has_more_ = plan.is_partial;
  for (const auto& [worker, names] : plan.by_worker) {
    if (orders_.has(worker, OrderKind::kForget)) continue;
    send(worker, names, 0, now);
  }
}

void Retention::remove(Request& request, Now now) {
  std::map<std::string, std::vector<std::string>> by_worker;
  for (const std::string& name : request.invocation.operands) {
    if (!state_.instances.contains(name))
      return requests_.refuse(request, lookup_.no_such("instance", name));
    const std::string& worker = state_.instances.at(name).worker;
    if (!is_over(facts_, name))
      return requests_.refuse(
          request, fail(Code::kBusy, name + " is not dead; 'stop " + name + "' ends it first"));
    if (const auto gone = facts_.roster.away(worker)) return requests_.refuse(request, *gone);
    if (facts_.underway.has_order(name))
      return requests_.refuse(request, fail(Code::kBusy, name + " is being changed"));
    by_worker[worker].push_back(name);
  }
  request.tried = request.waiting = static_cast<int>(by_worker.size());
  for (const auto& [worker, names] : by_worker) send(worker, names, request.id, now);
}

void Retention::send(const std::string& worker, const std::vector<std::string>& names,
                     RequestId request, Now now) {
  Order order;
  order.worker = worker;
  order.kind = OrderKind::kForget;
  order.request = request;
  order.line = Line("FORGET");
  for (const std::string& name : names) order.line.add("instance", name);
  orders_.send(std::move(order), now);
}

void Retention::settled(const Order& order, const std::optional<Error>& error, Now now) {
  if (!error) forget(order, now);
  if (!error && order.request != 0)
    requests_.out_line(order.request, fold_names(order.line.all("instance")) + ": removed");
  // What nobody waits for the next end, or its worker's return, brings up again.
  requests_.done_one(order.request, order.worker, error, now);
}

void Retention::forget(const Order& order, Now now) {
  std::vector<std::string> gone;
  for (const std::string& name : order.line.all("instance")) {
    const auto placement = state_.instances.find(name);
    // What an operator has started meanwhile is here to stay.
    const bool is_same = placement != state_.instances.end() &&
                         placement->second.worker == order.worker && is_over(facts_, name);
    if (is_same) gone.push_back(name);
  }
  if (gone.empty()) return;
  Line forgotten("FORGOTTEN");
  for (const std::string& name : gone) forgotten.add("instance", name);
  recorder_.record(forgotten);
  for (const std::string& name : gone) {
    reports_.erase(name);
    leases_.forget(name);
    launches_.pruned(name);
  }
  ClusterEvent event;
  event.kind = "forgotten";
  event.worker = order.worker;
  event.text = std::to_string(gone.size()) + (gone.size() == 1 ? " instance" : " instances") +
               (order.request != 0 ? " by rm"
                                   : " that ended long ago (--keep-ended " +
                                         std::to_string(options_.keep_ended) + ")") +
               ": " + fold_names(gone) + "; 'history' has their runs";
  recorder_.emit(std::move(event), now);
  // A backlog is pruned as fast as its workers answer.
  if (has_more_)
    timers_.at_latest(Timers::Work::kPrune, now.mono_ms);
  else
    timers_.prune_soon(now);
}

}  // namespace dm::master
