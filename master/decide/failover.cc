#include "master/decide/failover.h"

#include <algorithm>

namespace dm::master {
namespace {

constexpr std::size_t kLeastForSuspicion = 3;

bool has_passed(const WorkerAbsence& worker, const FailoverView& view, std::int64_t span_ms) {
  return worker.away && view.now_mono_ms - worker.since_mono_ms >= span_ms;
}

bool is_due(const WorkerAbsence& worker, const FailoverView& view) {
  return has_passed(worker, view, worker.stays ? view.move_left_ms : view.move_after_ms);
}

// The most workers that were lost within one span of move_after.
std::size_t lost_together(const FailoverView& view) {
  std::size_t most = 0;
  for (const WorkerAbsence& first : view.workers) {
    if (!first.lost || first.since_mono_ms <= view.resumed_mono_ms) continue;
    const auto together =
        std::count_if(view.workers.begin(), view.workers.end(), [&](const WorkerAbsence& other) {
          return other.lost && other.since_mono_ms >= first.since_mono_ms &&
                 other.since_mono_ms - first.since_mono_ms <= view.move_after_ms;
        });
    most = std::max(most, static_cast<std::size_t>(together));
  }
  return most;
}

bool most_are_here(const FailoverView& view) {
  const auto here = std::count_if(view.workers.begin(), view.workers.end(),
                                  [](const WorkerAbsence& worker) { return !worker.away; });
  return 2 * static_cast<std::size_t>(here) > view.workers.size();
}

bool all_are_here(const FailoverView& view) {
  return std::none_of(view.workers.begin(), view.workers.end(),
                      [](const WorkerAbsence& worker) { return worker.away; });
}

}  // namespace

bool is_held(const FailoverView& view) {
  return view.now_mono_ms < view.hold_until_mono_ms && !all_are_here(view);
}

FailoverPlan plan_failover(const FailoverView& view) {
  FailoverPlan plan;
  if (view.suspended) {
    if (most_are_here(view)) plan.change = FailoverPlan::Change::kGoOn;
    return plan;
  }
  if (is_held(view)) return plan;
  for (const WorkerAbsence& worker : view.workers)
    if (is_due(worker, view))
      plan.move_from.push_back(worker.name);
    else if (has_passed(worker, view, view.move_after_ms))
      plan.move_leased_from.push_back(worker.name);
  if (plan.move_from.empty() || view.workers.size() < kLeastForSuspicion) return plan;
  const std::size_t together = lost_together(view);
  if (2 * together <= view.workers.size()) return plan;
  // Most may have come back since: then it was a storm that is over.
  if (most_are_here(view)) return plan;
  plan.change = FailoverPlan::Change::kSuspend;
  plan.vanished = together;
  plan.move_from.clear();
  plan.move_leased_from.clear();
  return plan;
}

std::int64_t next_failover(const FailoverView& view) {
  std::int64_t next = INT64_MAX;
  if (view.suspended) return next;
  for (const WorkerAbsence& worker : view.workers)
    for (const std::int64_t span_ms : {view.move_after_ms, view.move_left_ms})
      if (worker.away && span_ms != INT64_MAX && !has_passed(worker, view, span_ms) &&
          (worker.stays || span_ms == view.move_after_ms))
        next = std::min(next, worker.since_mono_ms + span_ms);
  if (next != INT64_MAX || !all_are_here(view))
    next = std::max(next == INT64_MAX ? view.hold_until_mono_ms : next, view.hold_until_mono_ms);
  return next > view.now_mono_ms ? next : INT64_MAX;
}

}  // namespace dm::master
