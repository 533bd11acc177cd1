// master/core/leases.h - grants and remembers the leases of singletons.
#pragma once

#include <string>

#include "master/core/effects.h"
#include "master/core/recorder.h"
#include "master/observed/lease_table.h"
#include "master/observed/reports.h"
#include "master/observed/worker_view.h"

namespace dm::master {

class Leases {
 public:
  Leases(Recorder& recorder, const State& state, const Reports& reports, LeaseTable& table,
         Effects& out)
      : recorder_(recorder), state_(state), reports_(reports), table_(table), out_(out) {}

  // At the start: the master before may have granted one a moment ago.
  void begin(Now now);
  void note(const std::string& name, std::int64_t lease_ms, Now now);
  // Nobody will report how it ended: its lease counts although it is shown dead, or not at all,
  // and also for the master after this one. REQUIRES that the instance is recorded.
  void hold(const std::string& name, Now now);
  // With the worker's beat: it counts from when it sent that.
  void grant(const WorkerView& worker, std::int64_t beat, Now now);
  void forget(const std::string& name) { table_.erase(name); }

 private:
  void drop(Now now);

  Recorder& recorder_;
  const State& state_;
  const Reports& reports_;
  LeaseTable& table_;
  Effects& out_;
};

}  // namespace dm::master
