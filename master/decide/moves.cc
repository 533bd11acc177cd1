#include "master/decide/moves.h"

#include "master/decide/phase.h"

namespace dm::master {
namespace {

constexpr std::int64_t kSoonMs = 60'000;

}  // namespace

bool is_movable(const Facts& facts, const std::string& name) {
  const Placement& placement = facts.state.instances.at(name);
  if (placement.on_lost != OnLost::kMove || placement.desired != Desired::kRunning) return false;
  if (!facts.state.versions.contains(placement.version)) return false;
  return phase_of(facts, name).phase != Phase::kDead && !facts.underway.is_launching(name);
}

bool should_try_elsewhere(const Facts& facts, const std::string& name) {
  const Placement& placement = facts.state.instances.at(name);
  if (placement.last_end->crashes < kMostCrashes || !is_revived(placement)) return false;
  return placement.on_lost == OnLost::kMove && facts.state.versions.contains(placement.version);
}

Loss loss_of(const Facts& facts, const Placement& placement, Now now) {
  if (placement.begun == 0 && !placement.last_end) return Loss::kBeforeItBegan;
  const WorkerView* worker = facts.roster.find(placement.worker);
  if (worker == nullptr || worker->presence == Presence::kLeft) return Loss::kLate;
  const std::int64_t lost_ms = now.wall_ms - (now.mono_ms - worker->last_beat_mono_ms);
  const std::int64_t begun = placement.begun_ms > 0 ? placement.begun_ms : placement.created_ms;
  return lost_ms - begun < kSoonMs ? Loss::kSoon : Loss::kLate;
}

bool is_to_be_quarantined(const Facts& facts, const Placement& placement, Now now) {
  return placement.moves >= kMostMoves && loss_of(facts, placement, now) == Loss::kSoon;
}

Placement replacement_of(const Facts& facts, const std::string& name, const std::string& worker,
                         MoveReason reason, Now now) {
  const Placement& old = facts.state.instances.at(name);
  Placement placement = old;
  placement.worker = worker;
  placement.created_ms = now.wall_ms;
  placement.who.clear();
  placement.asked_by.clear();
  placement.replaces = name;
  placement.pinned = false;
  placement.desired = Desired::kRunning;
  placement.run = 1;
  placement.begun = placement.begun_ms = 0;
  if (reason == MoveReason::kCrashes) {
    placement.tried.push_back(old.worker);
  } else if (const Loss loss = loss_of(facts, old, now); loss != Loss::kBeforeItBegan) {
    placement.moves = loss == Loss::kSoon ? old.moves + 1 : 1;
  }
  return placement;
}

}  // namespace dm::master
