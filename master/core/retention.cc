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
    Order order;
    order.worker = worker;
    order.kind = OrderKind::kForget;
    order.line = Line("FORGET");
    for (const std::string& name : names) order.line.add("instance", name);
    orders_.send(std::move(order), now);
  }
}

void Retention::settled(const Order& order, const std::optional<Error>& error, Now now) {
  if (error) return;  // the next end, or its return, brings us here again
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
               " that ended long ago (--keep-ended " + std::to_string(options_.keep_ended) +
               "): " + fold_names(gone) + "; 'history' has their runs";
  recorder_.emit(std::move(event), now);
  // A backlog is pruned as fast as its workers answer.
  if (has_more_)
    timers_.at_latest(Timers::Work::kPrune, now.mono_ms);
  else
    timers_.prune_soon(now);
}

}  // namespace dm::master
