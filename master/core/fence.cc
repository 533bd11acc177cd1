#include "master/core/fence.h"

#include "master/decide/fence.h"

namespace dm::master {
namespace {
constexpr std::size_t kMostEpoch = 64;  // bytes
}  // namespace

// A worker that obeyed a start of ours that we know nothing of has seen our future: our journal is
// an old copy, and what we would order might undo what was promised since.
void Fence::hear(WorkerView& worker, const Line& info, Now now) {
  const std::string epoch(info.text("epoch"));
  const ClaimFacts claim{!epoch.empty(), state_.knows_epoch(epoch), seals_.proves(info),
                         seals_.has_keys()};
  const ClaimWeight weight = weigh_claim(claim);
  if (weight == ClaimWeight::kNone) return;
  const std::string claimed = "epoch " + epoch.substr(0, kMostEpoch);
  if (weight == ClaimWeight::kNotice) {
    ClusterEvent event;
    event.kind = "notice";
    event.text = "worker " + worker.name + " claims to have obeyed " + claimed +
                 " and cannot prove it: not believed; 'workers revoke " + worker.name +
                 "' if its key may be stolen";
    return worker_events_.emit(worker, std::move(event), now);
  }
  if (state_.witnesses.contains(worker.name)) return;
  const std::string why =
      "worker " + worker.name + " has obeyed " + claimed +
      ", of which this journal knows nothing: it is an old copy, and no orders are given; only "
      "leases, stop and kill go on; start dm-master with --new-epoch if this journal is the newer "
      "one all the same; if " +
      worker.name + " is not to be believed, 'workers revoke " + worker.name + "' lifts this";
  recorder_.record(
      Line("FENCED").add("at", now.wall_ms).add("worker", worker.name).add("why", why));
  recorder_.log(why, now);
}

bool Fence::revoke(const Line& revocation, Now now) {
  const bool was_up = !state_.fence.empty();
  recorder_.record(revocation);
  if (!was_up || !state_.fence.empty()) return false;
  recorder_.log("no worker is left that claims a later epoch: orders are given again", now);
  return true;
}

}  // namespace dm::master
