#include "master/core/end_orders.h"

#include "common/check.h"

namespace dm::master {
namespace {

constexpr std::int64_t kStopMs = 10'000;
constexpr std::int64_t kStopPatienceMs = 60'000;  // beyond the timeout of the stop itself

}  // namespace

Order EndOrders::order(const Request& request, OrderKind kind, const std::string& name,
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

void EndOrders::send(const std::string& instance, Now now) {
  DM_CHECK(state_.instances.contains(instance));
  const Placement& placement = state_.instances.at(instance);
  const bool kills = placement.desired == Desired::kKilled;
  Order end =
      order(Request(), kills ? OrderKind::kKill : OrderKind::kStop, instance, placement.worker);
  if (!placement.superseded_by.empty())
    end.line.add("because", "superseded by " + placement.superseded_by);
  else if (!placement.quarantined.empty())
    end.line.add("because", "quarantined: " + placement.quarantined);
  orders_.send(std::move(end), now);
}

}  // namespace dm::master
