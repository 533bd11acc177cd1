// master/decide/reconcile.h - what is still to be done on a worker, as a plan: the difference
// between what is recorded and what is reported. Pure: whatever a lost message, a crash or a
// restart left half done is simply still different, and is decided again.
#pragma once

#include <string>
#include <vector>

#include "master/decide/facts.h"
#include "master/decide/phase.h"

namespace dm::master {

enum class Step {
  kNothing,
  kLaunch,  // it is to run, and its worker has not begun it
  kEnd,     // it is not to run, and may run there
};

// What one instance needs. While an order for it is on its way: nothing.
Step step_for(const InstanceFacts& facts, bool has_order);

struct WorkerPlan {
  std::vector<std::string> ends, launches;  // instances, each in the order of their names
  std::vector<std::string> deletes;         // apps
};
// REQUIRES that the worker has told all it knows.
WorkerPlan plan_worker(const Facts& facts, const std::string& worker);

// The worker reports an instance that runs although it is not to: a launch that came true after it
// was given up, a stop that was lost.
bool is_stray(const Placement& placement, const Live& live);

}  // namespace dm::master
