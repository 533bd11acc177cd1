// master/core/failover.h - moves instances to other workers: from lost ones, from where they keep
// crashing, from a worker that an operator has removed.
#pragma once

#include <set>
#include <string>

#include "master/core/launches.h"
#include "master/decide/failover.h"
#include "master/decide/moves.h"
#include "master/decide/placement.h"

namespace dm::master {

class Failover {
 public:
  Failover(const ClusterOptions& options, Recorder& recorder, Requests& requests, EndOrders& ends,
           Launches& launches, RunEnds& run_ends, Leases& leases, Timers& timers, Roster& roster,
           const Facts& facts, Effects& out)
      : options_(options),
        recorder_(recorder),
        requests_(requests),
        ends_(ends),
        launches_(launches),
        run_ends_(run_ends),
        leases_(leases),
        timers_(timers),
        roster_(roster),
        facts_(facts),
        state_(facts.state),
        out_(out) {}

  void begin(Now now);
  // A worker came or went: the next tick asks again when instances move.
  void look_again() { is_stale_ = true; }
  void tick(Now now);
  // "active", "suspended: ..."; what an operator is told.
  std::string describe(Now now) const;
  void resume(Now now);

  // --- one that keeps crashing ---
  // The worker to which it is to move; nullptr: it stays. `is_last`: none is left to be tried, so
  // it is to be restarted slowly.
  const WorkerView* elsewhere(const std::string& name, IfAllAreFull fallback, Now now);
  void move_one(const std::string& name, const WorkerView& target, MoveReason reason, Now now);

  // --- a worker that will not come back ---
  void leave_for_good(const Request& request, const std::string& worker, Now now);

 private:
  FailoverView view(Now now) const;
  void run(Now now);
  enum class Which { kAll, kLeased };
  void move_from(const std::string& worker, Now now, Which which = Which::kAll);
  void wait_for_room(const std::string& worker, Now now);
  bool has_replacement(const std::string& name, Now now);
  void quarantine(const std::string& name, Now now);
  void move_for_good(const Request& request, const std::string& name, Now now);
  void end_for_good(const Request& request, const std::string& name, Now now);
  const WorkerView* choose_for_good(const std::string& worker, Now now) const;

  const ClusterOptions& options_;
  Recorder& recorder_;
  Requests& requests_;
  EndOrders& ends_;
  Launches& launches_;
  RunEnds& run_ends_;
  Leases& leases_;
  Timers& timers_;
  Roster& roster_;
  const Facts& facts_;
  const State& state_;
  Effects& out_;
  bool is_stale_ = true;
  bool suspended_ = false;
  bool waits_ = false;             // for room, and this was told
  std::set<std::string> used_up_;  // apps without a number left of which this was told
  std::int64_t resumed_mono_ms_ = INT64_MIN;
  std::int64_t hold_until_mono_ms_ = 0;
};

}  // namespace dm::master
