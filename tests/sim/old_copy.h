// tests/sim/old_copy.h - an old copy of the master's journal was put back: which starts of the
// master it lacks, and which workers have obeyed one of them. Says at once when one of these gets
// an order before an operator has begun a new epoch.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "master/core/effects.h"
#include "master/state/state.h"
#include "tests/sim/timeline.h"

namespace dm::sim {

class OldCopy {
 public:
  explicit OldCopy(Timeline& timeline) : timeline_(timeline) {}

  // A start of the master, with what its journal knows.
  void started(const std::string& epoch, const master::State& known, bool is_new_epoch);
  // A line of a worker, before the core hears it.
  void heard(const std::string& worker, const Line& line);
  // An order that the core has given.
  void ordered(const std::string& worker, const Line& order) const;

  // Is there a start that the journal lacks, and no new epoch since?
  bool is_in_force() const { return !lacking_.empty(); }
  // Was this an order of a start that some journal has lost?
  bool is_lost(const std::string& order_id) const {
    return lost_.contains(order_id.substr(0, order_id.find('.')));
  }

 private:
  Timeline& timeline_;
  std::vector<std::string> epochs_;
  std::set<std::string> lacking_, lost_;
  std::set<std::string> ahead_;  // workers that have named one of `lacking_`
  bool is_fenced_ = false;       // one of them did so in this life of the master
};

}  // namespace dm::sim
