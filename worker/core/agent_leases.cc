// Leases: what must never live twice in the cluster lives here only as long as the master has
// answered a beat of ours lately. The supervisor kills it when that ends, whatever became of us.
#include <algorithm>

#include "worker/core/agent.h"

namespace dm::worker {
namespace {

constexpr std::size_t kMostBeats = 128;

}  // namespace

// Beat 0 is the greeting.
void Agent::note_beat(std::int64_t beat, Now now) {
  beat_times_.emplace_back(beat, now.mono_ms);
  if (beat_times_.size() > kMostBeats) beat_times_.pop_front();
}

// The lease counts from when we sent what the master answers, which is before the master knew of
// it: so it is over here before the master takes it to be. 0 for a beat that nobody remembers.
std::int64_t Agent::lease_end(std::int64_t beat, std::int64_t lease_ms) const {
  const auto found = std::find_if(beat_times_.begin(), beat_times_.end(),
                                  [&](const auto& entry) { return entry.first == beat; });
  return found == beat_times_.end() || lease_ms <= 0 ? 0 : found->second + lease_ms;
}

void Agent::renew(const Line& order, Now now) {
  for (const std::string& name : order.all("instance")) {
    const auto found = instances_.find(name);
    if (found == instances_.end()) continue;
    Instance& instance = found->second;
    const std::int64_t until = lease_end(order.number_or("beat", -1), instance.spec.lease_ms);
    if (until <= instance.lease_until) continue;
    instance.lease_until = until;
    if (instance.state == RunState::kBackoff && instance.deadline == kNever)
      set_deadline(instance, now.mono_ms);
    if (!is_alive(instance) || !supervisor_ready_) continue;
    Line line("LEASE");
    line.add("instance", name).add("run", instance.run);
    out_.push_back(ToSupervisor{line.add("until_ms", until)});
  }
}

}  // namespace dm::worker
