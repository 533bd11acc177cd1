#include "master/core/settlement.h"

#include <utility>

#include "master/decide/install_deadline.h"

namespace dm::master {
namespace {

constexpr std::size_t kMostMessage = 4096;

}  // namespace

void Settlement::answered(const WorkerView& worker, const Line& line, Now now) {
  const auto order = orders_.take(orders_.number_of(worker, line));
  if (!order) return;
  std::optional<Error> error;
  if (line.verb() == "ERR")
    error =
        Error{code_from(line.text("code")), std::string(line.text("msg").substr(0, kMostMessage))};
  settle(*order, line, error, now);
}

void Settlement::progress(const WorkerView& worker, const Line& line, Now now) {
  auto order = orders_.take(orders_.number_of(worker, line));
  if (!order) return;
  const std::int64_t done = figure(line, "done").value_or(0);
  // Only files take longer than any patience.
  if (order->kind == OrderKind::kInstall)
    order->deadline_mono_ms = install_deadline(
        {order->sent_mono_ms, now.mono_ms, order->patience_ms, done, transfers_.size_of(*order)});
  const std::int64_t total = figure(line, "total").value_or(0);
  transfers_.progress(*order, done, total);
  orders_.keep(std::move(*order));
}

void Settlement::give_up(const std::string& worker, const Error& error, Now now) {
  for (const std::int64_t number : orders_.of_worker(worker))
    if (const auto order = orders_.take(number)) settle(*order, Line(), error, now);
}

void Settlement::tick(Now now) {
  while (const auto late = orders_.take_late(now))
    settle(*late, Line(), fail(Code::kTimeout, "worker " + late->worker + " does not answer"), now);
}

void Settlement::settle(const Order& order, const Line& answer, const std::optional<Error>& error,
                        Now now) {
  switch (order.kind) {
    case OrderKind::kProbe: return transfers_.settled_probe(order, error, now);
    case OrderKind::kInstall: return transfers_.settled_install(order, answer, error, now);
    case OrderKind::kLaunch: return launches_.settled(order, answer, error, now);
    case OrderKind::kStop:
    case OrderKind::kKill: return stops_.settled(order, answer, error, now);
    case OrderKind::kDelete: return deletes_.settled(order, error, now);
    case OrderKind::kForget: return retention_.settled(order, error, now);
    case OrderKind::kLog: return logs_.settled(order, error, now);
  }
}

}  // namespace dm::master
