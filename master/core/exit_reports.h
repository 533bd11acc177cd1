// master/core/exit_reports.h - the ends of runs that workers report: each is recorded once, and
// acknowledged.
#pragma once

#include "master/core/failover.h"
#include "master/core/log_tails.h"
#include "master/core/worker_events.h"

namespace dm::master {

class ExitReports {
 public:
  ExitReports(Recorder& recorder, RunEnds& run_ends, Launches& launches, Failover& failover,
              LogTails& tails, WorkerEvents& worker_events, Reports& reports, const Facts& facts,
              Effects& out)
      : recorder_(recorder),
        run_ends_(run_ends),
        launches_(launches),
        failover_(failover),
        tails_(tails),
        worker_events_(worker_events),
        reports_(reports),
        facts_(facts),
        state_(facts.state),
        out_(out) {}

  void exited(WorkerView& worker, const Line& line, Now now);
  // What was not acknowledged at once, together; unless it was with what came after.
  void pay_ack(WorkerView& worker);

 private:
  void tell_dropped(WorkerView& worker, std::int64_t seq, Now now);

  Recorder& recorder_;
  RunEnds& run_ends_;
  Launches& launches_;
  Failover& failover_;
  LogTails& tails_;
  WorkerEvents& worker_events_;
  Reports& reports_;
  const Facts& facts_;
  const State& state_;
  Effects& out_;
};

}  // namespace dm::master
