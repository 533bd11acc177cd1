#include "tests/sim/old_copy.h"

namespace dm::sim {

void OldCopy::started(const std::string& epoch, const master::State& known, bool is_new_epoch) {
  is_fenced_ = false;
  for (const std::string& each : epochs_)
    if (!known.knows_epoch(each)) lacking_.insert(each);
  lost_.insert(lacking_.begin(), lacking_.end());
  if (is_new_epoch) {
    epochs_.clear();
    lacking_.clear();
    ahead_.clear();
  }
  epochs_.push_back(epoch);
}

void OldCopy::heard(const std::string& worker, const Line& line) {
  if (line.verb() != "INFO" || !lacking_.contains(std::string(line.text("epoch")))) return;
  is_fenced_ = true;
  ahead_.insert(worker);
}

// A worker that was ahead stays so when the master starts again: nobody has decided anything.
void OldCopy::ordered(const std::string& worker, const Line& order) const {
  if (order.verb() == "LOG") return;  // changes nothing
  const std::string what =
      worker + " is given " + order.verb() + " " + std::string(order.text("id"));
  // An operator may always end what runs.
  const bool ends = order.verb() == "STOP" || order.verb() == "KILL";
  SIM_CHECK(timeline_, ends || !is_fenced_, what + " by a master that is known to be an old copy");
  SIM_CHECK(timeline_, !ahead_.contains(worker), what + " by an older master than it has obeyed");
}

}  // namespace dm::sim
