// master/decide/failover.h - when the instances of dead workers move, and when the master rather
// suspects itself. Pure rules, without the cluster.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dm::master {

// One known worker, as far as this matters.
struct WorkerAbsence {
  std::string name;
  bool away = false;               // lost, or left and not back
  bool lost = false;               // without a goodbye
  bool stays = false;              // it left, its apps go on, and it will be back
  std::int64_t since_mono_ms = 0;  // when it went; only if away
};

struct FailoverView {
  std::vector<WorkerAbsence> workers;
  std::int64_t now_mono_ms = 0;
  std::int64_t move_after_ms = 0;
  std::int64_t move_left_ms = INT64_MAX;  // for one that stays; INT64_MAX: never
  std::int64_t hold_until_mono_ms = 0;    // after a start: workers are given time to come back
  bool suspended = false;
  std::int64_t resumed_mono_ms = INT64_MIN;  // an operator has seen what was lost until then
};

struct FailoverPlan {
  enum class Change { kNone, kSuspend, kGoOn } change = Change::kNone;
  std::vector<std::string> move_from;  // workers whose instances move now
  // Workers of which only the singletons move: nobody renews their leases while the worker stays
  // away, so they have ended there.
  std::vector<std::string> move_leased_from;
  std::size_t vanished = 0;  // with kSuspend: how many went within that time
};

// After a start: known workers are given time to come back, until all of them are here.
bool is_held(const FailoverView& view);

// - Nothing moves while it is held.
// - A worker's instances move when it has been away for move_after; of one that left for a while
// and
//   whose apps go on, only its singletons, and all the others after move_left.
// - More than half of three or more workers lost within move_after of each other: the master
//   suspects itself, and nothing moves until most are back or the operator says so. What was lost
//   before the operator's word counts no more.
FailoverPlan plan_failover(const FailoverView& view);

// When plan_failover() may next say something else; INT64_MAX for never.
std::int64_t next_failover(const FailoverView& view);

}  // namespace dm::master
