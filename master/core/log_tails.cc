#include "master/core/log_tails.h"

#include <algorithm>
#include <utility>

#include "common/escape.h"
#include "common/units.h"

namespace dm::master {
namespace {

constexpr std::int64_t kPatienceMs = 15'000;

}  // namespace

// What never began has no log. Who is away is asked when it is back.
void LogTails::ask(Now now) {
  while (const auto name = queue_.next(now.mono_ms)) {
    const auto found = state_.instances.find(*name);
    if (found == state_.instances.end()) continue;
    const Placement& placement = found->second;
    const WorkerView* view = facts_.roster.find(placement.worker);
    const bool listens = view != nullptr && view->synced && !facts_.roster.away(placement.worker);
    if (listens && placement.last_end && placement.last_end->started_ms)
      ask_one(*name, placement, now);
    else
      queue_.done(placement.worker);
  }
}

// It is back, or so are we: what ended meanwhile, and what was cut.
void LogTails::want_missing(const WorkerView& worker, Now now) {
  for (const std::string& name : state_.placed_on(worker.name)) {
    const Placement& placement = state_.instances.at(name);
    if (!placement.last_end) continue;
    const RunEnd& end = *placement.last_end;
    if (end.started_ms && shelf_.lacks(name, end.run, end.ended_ms.value_or(0)))
      queue_.want(name, worker.name, now.mono_ms);
  }
}

void LogTails::ask_one(const std::string& name, const Placement& placement, Now now) {
  Tail tail;
  tail.instance = name;
  tail.worker = placement.worker;
  tail.run = placement.last_end->run;
  tail.at_ms = now.wall_ms;
  Order order;
  order.worker = placement.worker;
  order.kind = OrderKind::kLog;
  order.instance = name;
  order.patience_ms = kPatienceMs;
  order.line = Line("LOG").add("instance", name).add("run", tail.run);
  order.line.add("tail_bytes", Tail::kMostBytes);
  streams_.send(std::move(order), std::nullopt, std::move(tail), now);
}

// What came with the report of an end, in case nobody can be asked for the rest.
void LogTails::keep(const std::string& name, const WorkerView& worker, const Line& exited,
                    Now now) {
  Tail tail;
  tail.instance = name;
  tail.worker = worker.name;
  tail.run = exited.number_or("run", 0);
  tail.at_ms = now.wall_ms;
  tail.text = exited.text("tail");
  tail.part = true;
  out_.push_back(KeepTail{std::move(tail)});
}

// Its worker says that there is no such log: it will never be had. Any other failure may pass.
void LogTails::is_through(const Order& order, const std::optional<Error>& error, Now now) {
  const std::int64_t run = order.line.number_or("run", 0);
  if (error && error->code == Code::kNotFound) {
    shelf_.is_unavailable(order.instance, run);
    ++lost_;
  }
  if (!error || error->code == Code::kNotFound)
    queue_.done(order.worker);
  else if (!queue_.failed(order.worker, now.mono_ms))
    ++lost_;
  ask(now);
}

void LogTails::stored(const TailStored& stored) {
  const auto found = state_.instances.find(stored.instance);
  if (found == state_.instances.end()) return out_.push_back(DropTails{{stored.instance}});
  const auto& end = found->second.last_end;
  const bool is_last = end && (end->run == stored.run || stored.run == 0);
  std::vector<std::string> gone = shelf_.add(stored.instance, stored.run,
                                             is_last ? end->ended_ms.value_or(0) : 0, stored.bytes);
  lost_ += static_cast<std::int64_t>(gone.size());
  if (!gone.empty()) out_.push_back(DropTails{std::move(gone)});
}

void LogTails::ended(const std::string& name, const WorkerView& worker, const Line& exited,
                     Now now) {
  if (exited.has("tail")) keep(name, worker, exited, now);
  queue_.want(name, worker.name, now.mono_ms);
}

// After instances have gone: what is kept of them goes as well.
void LogTails::instances_removed() {
  for (const std::string& name : queue_.names())
    if (!state_.instances.contains(name)) queue_.forget(name);
  std::vector<std::string> gone = shelf_.names();
  std::erase_if(gone, [&](const std::string& name) { return state_.instances.contains(name); });
  for (const std::string& name : gone) shelf_.remove(name);
  if (!gone.empty()) out_.push_back(DropTails{std::move(gone)});
}

}  // namespace dm::master
