#include "master/decide/retention.h"

#include <algorithm>

#include "master/decide/phase.h"

namespace dm::master {
namespace {

// How many of the app's ended instances are too many. Those that may live again do not count; among
// very many they make no difference, and nobody counts them.
std::size_t surplus(const Facts& facts, const State::Ended& ended, std::size_t keep) {
  // A tenth more, so that not every end sends an order.
  const std::size_t most = keep + keep / 10;
  if (ended.size() <= most) return 0;
  std::size_t over = ended.size();
  if (over < 4 * most)
    over = static_cast<std::size_t>(std::count_if(
        ended.begin(), ended.end(), [&](const auto& end) { return is_over(facts, end.second); }));
  return over <= most ? 0 : over - keep;
}

}  // namespace

PrunePlan plan_pruning(const Facts& facts, std::size_t keep, std::size_t most) {
  PrunePlan plan;
  for (const auto& [app, ended] : facts.state.ended()) {
    std::size_t left = surplus(facts, ended, keep);
    for (const auto& [ended_ms, name] : ended) {
      if (left == 0) break;
      if (!is_over(facts, name)) continue;
      --left;
      const std::string& worker = facts.state.instances.at(name).worker;
      if (facts.underway.has_order(name) || facts.roster.away(worker)) continue;
      std::vector<std::string>& batch = plan.by_worker[worker];
      if (batch.size() < most)
        batch.push_back(name);
      else
        plan.is_partial = true;
    }
  }
  std::erase_if(plan.by_worker, [](const auto& entry) { return entry.second.empty(); });
  return plan;
}

}  // namespace dm::master
