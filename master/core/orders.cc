#include "master/core/orders.h"

#include <algorithm>

#include "common/units.h"

namespace dm::master {
namespace {

constexpr std::int64_t kPatienceMs = 60'000;

// What an operator wants to end, ends; and what only looks may look.
bool passes_fence(const Order& order) {
  const bool ends = order.kind == OrderKind::kStop || order.kind == OrderKind::kKill;
  return order.kind == OrderKind::kLog || (ends && order.request != 0);
}

}  // namespace

std::string Orders::send(Order order, Now now) {
  order.number = next_++;
  order.id = options_.epoch + "." + std::to_string(order.number);
  Line line(order.line.verb());
  line.add("id", order.id);
  for (const auto& [key, value] : order.line.fields()) line.add(key, value);
  order.line = std::move(line);
  if (order.patience_ms == 0) order.patience_ms = kPatienceMs;
  order.sent_mono_ms = now.mono_ms;
  order.deadline_mono_ms = now.mono_ms + order.patience_ms;
  const std::int64_t number = order.number;
  const std::string id = order.id;
  keep(std::move(order));
  post(orders_.at(number), now);
  return id;
}

void Orders::keep(Order order) {
  if (order.patience_ms > 0) due_.emplace(order.deadline_mono_ms, order.number);
  by_worker_[order.worker].insert(order.number);
  if (order.kind != OrderKind::kLog)
    underway_.add_order(order.instance, order.kind == OrderKind::kLaunch);
  orders_.insert_or_assign(order.number, std::move(order));
}

std::optional<Order> Orders::take(std::int64_t number) {
  auto node = orders_.extract(number);
  if (node.empty()) return std::nullopt;
  const Order& order = node.mapped();
  due_.erase({order.deadline_mono_ms, number});
  const auto numbers = by_worker_.find(order.worker);
  numbers->second.erase(number);
  if (numbers->second.empty()) by_worker_.erase(numbers);
  if (order.kind != OrderKind::kLog)
    underway_.remove_order(order.instance, order.kind == OrderKind::kLaunch);
  return std::move(node.mapped());
}

std::int64_t Orders::number_of(const std::string& order_id) const {
  const std::string prefix = options_.epoch + ".";
  if (!order_id.starts_with(prefix)) return 0;
  return parse_integer(std::string_view(order_id).substr(prefix.size())).value_or(0);
}

std::int64_t Orders::number_of(const WorkerView& worker, const Line& answer) const {
  const auto found = orders_.find(number_of(std::string(answer.text("id"))));
  const bool is_own = found != orders_.end() && found->second.worker == worker.name;
  return is_own ? found->first : 0;
}

std::vector<std::int64_t> Orders::of_worker(const std::string& worker) const {
  const auto found = by_worker_.find(worker);
  if (found == by_worker_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

bool Orders::has(const std::string& worker, OrderKind kind) const {
  const auto numbers = of_worker(worker);
  return std::any_of(numbers.begin(), numbers.end(),
                     [&](std::int64_t number) { return orders_.at(number).kind == kind; });
}

bool Orders::has_delete(const std::string& worker, const std::string& app) const {
  const auto numbers = of_worker(worker);
  return std::any_of(numbers.begin(), numbers.end(), [&](std::int64_t number) {
    const Order& order = orders_.at(number);
    return order.kind == OrderKind::kDelete && order.app == app;
  });
}

std::vector<std::string> Orders::installs(const std::string& worker, const std::string& app) const {
  std::vector<std::string> versions;
  for (const std::int64_t number : of_worker(worker)) {
    const Order& order = orders_.at(number);
    if (order.kind == OrderKind::kInstall && order.line.text("app") == app)
      versions.emplace_back(order.line.text("manifest"));
  }
  return versions;
}

std::vector<std::int64_t> Orders::logs_of(RequestId request) const {
  std::vector<std::int64_t> numbers;
  for (const auto& [number, order] : orders_)
    if (order.request == request && order.kind == OrderKind::kLog) numbers.push_back(number);
  return numbers;
}

void Orders::session_opened(const std::string& worker) {
  for (const std::int64_t number : of_worker(worker)) orders_.at(number).sent = false;
}

void Orders::send_waiting(const std::string& worker, Now now) {
  for (const std::int64_t number : of_worker(worker))
    if (Order& order = orders_.at(number); !order.sent) post(order, now);
}

std::optional<Order> Orders::take_late(Now now) {
  if (deadline() > now.mono_ms) return std::nullopt;
  return take(due_.begin()->second);
}

void Orders::post(Order& order, Now now) {
  const WorkerView* view = roster_.find(order.worker);
  if (view == nullptr || view->session == 0 || !view->synced) return;
  if (!state_.fence.empty() && !passes_fence(order)) return;
  order.sent = true;
  const auto placement = state_.instances.find(order.instance);
  const bool leased = order.kind == OrderKind::kLaunch && placement != state_.instances.end() &&
                      placement->second.lease_ms > 0;
  if (!leased) return out_.push_back(ToSession{view->session, order.line});
  // Its lease counts from when the worker sent that beat, however long the order travels.
  leases_.note(order.instance, placement->second.lease_ms, now);
  if (state_.held.contains(order.instance)) recorder_.record(print_lease(order.instance, 0));
  Line line = order.line;
  out_.push_back(ToSession{view->session, line.add("beat", view->beats_heard)});
}

}  // namespace dm::master
