// master/core/run_ends.h - records how runs ended: as their workers report, or as it must be
// assumed.
#pragma once

#include <optional>
#include <string>

#include "master/core/leases.h"
#include "master/core/recorder.h"
#include "master/core/timers.h"
#include "master/observed/reports.h"
#include "master/observed/underway.h"

namespace dm::master {

class RunEnds {
 public:
  RunEnds(Recorder& recorder, const State& state, Reports& reports, const Underway& underway,
          Leases& leases, Timers& timers)
      : recorder_(recorder),
        state_(state),
        reports_(reports),
        underway_(underway),
        leases_(leases),
        timers_(timers) {}

  // REQUIRES that the instance is recorded. With `seq`, its worker has numbered the report.
  void record(const std::string& instance, const RunEnd& end, std::optional<std::int64_t> seq,
              Now now);
  // Its worker does not know it: nothing will ever be reported of that run.
  void end_unbegun(const std::string& instance, Now now);
  // A worker has told all it knows: a run there that it does not report has ended; its exit status
  // is unknown.
  void end_missing(const WorkerView& worker, Now now);

 private:
  Recorder& recorder_;
  const State& state_;
  Reports& reports_;
  const Underway& underway_;
  Leases& leases_;
  Timers& timers_;
};

}  // namespace dm::master
