// master/decide/retention.h - of each app the instances that ended last are kept; which older ones
// are pruned, by their worker and then by the master. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "master/decide/facts.h"

namespace dm::master {

struct PrunePlan {
  std::map<std::string, std::vector<std::string>> by_worker;  // instances, oldest first
  bool is_partial = false;  // there are more than fit into one order a worker
};
// `keep`: of each app. At most `most` of one worker. Workers that are away are left out.
PrunePlan plan_pruning(const Facts& facts, std::size_t keep, std::size_t most);

}  // namespace dm::master
