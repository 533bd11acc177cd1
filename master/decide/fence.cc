#include "master/decide/fence.h"

namespace dm::master {

ClaimWeight weigh_claim(const ClaimFacts& claim) {
  if (!claim.names_epoch || claim.is_known) return ClaimWeight::kNone;
  return claim.is_sealed || !claim.has_keys ? ClaimWeight::kFence : ClaimWeight::kNotice;
}

bool is_renewed(const State& state, const Reports& reports, const std::string& name) {
  const Placement& placement = state.instances.at(name);
  if (placement.desired != Desired::kRunning || !placement.superseded_by.empty()) return false;
  if (state.held.contains(name)) return false;
  return state.fence.empty() || reports.is_alive(name);
}

}  // namespace dm::master
