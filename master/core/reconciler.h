// master/core/reconciler.h - applies the plan of a worker: ends, launches, deletes.
#pragma once

#include <string>

#include "master/core/deletes.h"
#include "master/core/launches.h"

namespace dm::master {

class Reconciler {
 public:
  Reconciler(EndOrders& ends, Launches& launches, Deletes& deletes, Timers& timers,
             const Facts& facts)
      : ends_(ends), launches_(launches), deletes_(deletes), timers_(timers), facts_(facts) {}

  // REQUIRES that the worker has told all it knows.
  void reconcile(const std::string& worker, Now now);
  // Its worker reports an instance: is it as it is to be?
  void check_stray(const std::string& instance, const Live& live, Now now);
  void tick(Now now);

 private:
  EndOrders& ends_;
  Launches& launches_;
  Deletes& deletes_;
  Timers& timers_;
  const Facts& facts_;
};

}  // namespace dm::master
