// master/core/fence.h - raises the fence when a worker proves that this journal is an old copy, and
// says when it is lifted. Never decides what a fence stops: whoever gives orders asks the state.
#pragma once

#include "master/core/effects.h"
#include "master/core/epoch_seals.h"
#include "master/core/recorder.h"
#include "master/core/worker_events.h"

namespace dm::master {

class Fence {
 public:
  Fence(Recorder& recorder, WorkerEvents& worker_events, const EpochSeals& seals,
        const State& state)
      : recorder_(recorder), worker_events_(worker_events), seals_(seals), state_(state) {}

  // A worker's INFO.
  void hear(WorkerView& worker, const Line& info, Now now);
  // The keys of that name were revoked: what it claimed counts no more. True if that has lifted the
  // fence; every worker is then to tell anew what was not taken meanwhile.
  bool revoke(const Line& revocation, Now now);

 private:
  Recorder& recorder_;
  WorkerEvents& worker_events_;
  const EpochSeals& seals_;
  const State& state_;
};

}  // namespace dm::master
