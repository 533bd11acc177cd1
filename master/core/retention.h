// master/core/retention.h - prunes instances that ended long ago, by their workers and then here.
// Their runs stay in the history.
#pragma once

#include <optional>

#include "master/core/launches.h"

namespace dm::master {

class Retention {
 public:
  Retention(const ClusterOptions& options, Recorder& recorder, Orders& orders, Launches& launches,
            Leases& leases, Timers& timers, Reports& reports, const Facts& facts)
      : options_(options),
        recorder_(recorder),
        orders_(orders),
        launches_(launches),
        leases_(leases),
        timers_(timers),
        reports_(reports),
        facts_(facts),
        state_(facts.state) {}

  void tick(Now now);
  void settled(const Order& order, const std::optional<Error>& error, Now now);

 private:
  const ClusterOptions& options_;
  Recorder& recorder_;
  Orders& orders_;
  Launches& launches_;
  Leases& leases_;
  Timers& timers_;
  Reports& reports_;
  const Facts& facts_;
  const State& state_;
  bool has_more_ = false;  // the last plan left instances out
};

}  // namespace dm::master
