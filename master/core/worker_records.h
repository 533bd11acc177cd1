// master/core/worker_records.h - what is recorded of a worker itself: that it is known, the secret
// of its id, that it has left for a while. Each is written once.
#pragma once

#include <string>

#include "master/core/recorder.h"
#include "master/observed/worker_view.h"

namespace dm::master {

class WorkerRecords {
 public:
  WorkerRecords(Recorder& recorder, const State& state) : recorder_(recorder), state_(state) {}

  // Its first beat: a name that somebody tried is not worth a record.
  void know(const WorkerView& worker);
  // Its INFO, with the secret that WELCOME asked for.
  void enroll(WorkerView& worker, const Line& info);
  // It has left and will be back (0: it is back). A master that starts meanwhile must not take it
  // for lost. REQUIRES that it is recorded.
  void note_stay(const std::string& name, std::int64_t since_ms);

 private:
  Recorder& recorder_;
  const State& state_;
};

}  // namespace dm::master
