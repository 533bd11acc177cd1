// master/core/retention.h - prunes instances that ended long ago, by their workers and then here.
// Their runs stay in the history.
#pragma once

#include <optional>

#include "master/core/launches.h"
#include "master/core/lookup.h"

namespace dm::master {

class Retention {
 public:
  Retention(const ClusterOptions& options, Recorder& recorder, Requests& requests, Orders& orders,
            Launches& launches, const Lookup& lookup, Leases& leases, Timers& timers,
            Reports& reports, const Facts& facts)
      : options_(options),
        recorder_(recorder),
        requests_(requests),
        orders_(orders),
        launches_(launches),
        lookup_(lookup),
        leases_(leases),
        timers_(timers),
        reports_(reports),
        facts_(facts),
        state_(facts.state) {}

  void tick(Now now);
  // The command rm.
  void remove(Request& request, Now now);
  void settled(const Order& order, const std::optional<Error>& error, Now now);

 private:
  void send(const std::string& worker, const std::vector<std::string>& names, RequestId request,
            Now now);
  void forget(const Order& order, Now now);
  const ClusterOptions& options_;
  Recorder& recorder_;
  Requests& requests_;
  Orders& orders_;
  Launches& launches_;
  const Lookup& lookup_;
  Leases& leases_;
  Timers& timers_;
  Reports& reports_;
  const Facts& facts_;
  const State& state_;
  bool has_more_ = false;  // the last plan left instances out
};

}  // namespace dm::master
