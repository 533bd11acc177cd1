// master/core/stops.h - stop and kill: records what is wanted, orders it, tells how it went.
#pragma once

#include <string>
#include <vector>

#include "master/core/deletes.h"
#include "master/core/launches.h"
#include "master/core/run_ends.h"
#include "master/core/slices.h"

namespace dm::master {

class Stops {
 public:
  Stops(Recorder& recorder, Requests& requests, Orders& orders, RunEnds& run_ends,
        Launches& launches, Deletes& deletes, Slices& slices, Reports& reports,
        const Lookup& lookup, const Facts& facts)
      : recorder_(recorder),
        requests_(requests),
        orders_(orders),
        run_ends_(run_ends),
        launches_(launches),
        deletes_(deletes),
        slices_(slices),
        reports_(reports),
        lookup_(lookup),
        facts_(facts),
        state_(facts.state) {}

  // What the operands of the request name. `kind`: kStop or kKill.
  void end_instances(Request& request, OrderKind kind, Now now);
  // Those that the request waits for; the last one may end it.
  void end_all(const Request& request, OrderKind kind, std::vector<std::string> names, Now now);
  void settled(const Order& order, const Line& answer, const std::optional<Error>& error, Now now);

 private:
  void end_one(const Request& request, OrderKind kind, const std::string& name, Now now);

  Recorder& recorder_;
  Requests& requests_;
  Orders& orders_;
  RunEnds& run_ends_;
  Launches& launches_;
  Deletes& deletes_;
  Slices& slices_;
  Reports& reports_;
  const Lookup& lookup_;
  const Facts& facts_;
  const State& state_;
};

}  // namespace dm::master
