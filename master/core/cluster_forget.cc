// Of each app the instances that ended last are kept; older ones are forgotten, by their worker
// and then here. Their runs stay in the history.
#include <algorithm>

#include "common/names.h"
#include "master/core/cluster.h"

namespace dm::master {
namespace {

constexpr std::int64_t kForgetMs = 5000;  // from an end to the look at what is too old
constexpr std::size_t kMostAtOnce = 100;  // instances of one order

}  // namespace

void Cluster::forget_soon(Now now) {
  next_forget_mono_ms_ = std::min(next_forget_mono_ms_, now.mono_ms + kForgetMs);
}

// Nothing but an operator's word will make it run again.
bool Cluster::is_over(const std::string& name, Now now) const {
  return state_.instances.at(name).has_ended() && !launching_.contains(name) &&
         !state_.held.contains(name) && !may_live(name, now);
}

std::vector<std::string> Cluster::ended_long_ago(Now now) const {
  std::map<std::string_view, std::vector<std::pair<std::int64_t, std::string>>> ended;
  for (const auto& [name, placement] : state_.instances)
    if (is_over(name, now))
      ended[placement.app].emplace_back(placement.last_end->ended_ms.value_or(0), name);
  const auto keep = static_cast<std::size_t>(options_.keep_ended);
  std::vector<std::string> old;
  for (auto& [app, instances] : ended) {
    // A tenth more, so that not every end sends an order.
    if (instances.size() <= keep + keep / 10) continue;
    std::sort(instances.begin(), instances.end());
    instances.resize(instances.size() - keep);
    for (auto& [ended_ms, name] : instances) old.push_back(std::move(name));
  }
  return old;
}

void Cluster::forget_if_due(Now now) {
  if (next_forget_mono_ms_ > now.mono_ms) return;
  next_forget_mono_ms_ = INT64_MAX;
  const std::set<std::string> ordered = ordered_instances();
  std::map<std::string, std::vector<std::string>> batches;
  for (const std::string& name : ended_long_ago(now)) {
    const std::string& worker = state_.instances.at(name).worker;
    if (away(worker) || ordered.contains(name)) continue;
    std::vector<std::string>& batch = batches[worker];
    if (batch.size() < kMostAtOnce) batch.push_back(name);
  }
  for (const auto& [number, order] : orders_)
    if (order.kind == OrderKind::kForget) batches.erase(order.worker);
  for (const auto& [worker, names] : batches) {
    Order order;
    order.worker = worker;
    order.kind = OrderKind::kForget;
    order.line = Line("FORGET");
    for (const std::string& name : names) order.line.add("instance", name);
    send_order(std::move(order), now);
  }
}

void Cluster::settled_forget(const Order& order, const Line&, const std::optional<Error>& error,
                             Now now) {
  if (error) return;  // the next end, or its return, brings us here again
  std::vector<std::string> gone;
  for (const std::string& name : order.line.all("instance")) {
    const auto placement = state_.instances.find(name);
    // What an operator has started meanwhile is here to stay.
    const bool is_same = placement != state_.instances.end() &&
                         placement->second.worker == order.worker && is_over(name, now);
    if (is_same) gone.push_back(name);
  }
  if (gone.empty()) return;
  Line forgotten("FORGOTTEN");
  for (const std::string& name : gone) forgotten.add("instance", name);
  record(forgotten);
  for (const std::string& name : gone) {
    live_.erase(name);
    leases_.erase(name);
    reinstalled_.erase(name);
  }
  ClusterEvent event;
  event.kind = "forgotten";
  event.worker = order.worker;
  event.text = std::to_string(gone.size()) + (gone.size() == 1 ? " instance" : " instances") +
               " that ended long ago (--keep-ended " + std::to_string(options_.keep_ended) +
               "): " + fold_names(gone) + "; 'history' has their runs";
  happened(std::move(event), now);
  forget_soon(now);
}

}  // namespace dm::master
