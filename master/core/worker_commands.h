// master/core/worker_commands.h - the commands that change the set of workers: remove one, revoke
// its keys, let failover go on.
#pragma once

#include "master/core/sessions.h"

namespace dm::master {

class WorkerCommands {
 public:
  WorkerCommands(Recorder& recorder, Requests& requests, Failover& failover, Settlement& settlement,
                 Sessions& sessions, Fence& fence, Unrecorded& unrecorded, Roster& roster,
                 Reports& reports, const Lookup& lookup, const Facts& facts, Effects& out)
      : recorder_(recorder),
        requests_(requests),
        failover_(failover),
        settlement_(settlement),
        sessions_(sessions),
        fence_(fence),
        unrecorded_(unrecorded),
        roster_(roster),
        reports_(reports),
        lookup_(lookup),
        facts_(facts),
        state_(facts.state),
        out_(out) {}

  // A worker that will not come back: what is to move moves; of the rest nobody will report how it
  // ended.
  void forget_worker(Request& request, Now now);
  void rename(Request& request, Now now);
  void revoke(Request& request, Now now);
  void resume_failover(Request& request, Now now);

 private:
  Recorder& recorder_;
  Requests& requests_;
  Failover& failover_;
  Settlement& settlement_;
  Sessions& sessions_;
  Fence& fence_;
  Unrecorded& unrecorded_;
  Roster& roster_;
  Reports& reports_;
  const Lookup& lookup_;
  const Facts& facts_;
  const State& state_;
  Effects& out_;
};

}  // namespace dm::master
