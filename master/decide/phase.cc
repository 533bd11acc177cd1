#include "master/decide/phase.h"

#include <algorithm>

#include "common/check.h"

namespace dm::master {
namespace {

struct PhaseRow {
  Phase phase;
  std::string_view word;
};
constexpr PhaseRow kPhases[] = {
    {Phase::kAlive, "running"},   {Phase::kStarting, "starting"}, {Phase::kStopping, "stopping"},
    {Phase::kBackoff, "backoff"}, {Phase::kDead, "dead"},         {Phase::kUnknown, "unknown"},
};

bool is_wanted(const Placement& placement) {
  return placement.desired == Desired::kRunning;
}

bool reports(const InstanceFacts& facts) {
  return facts.worker_here && facts.worker_heard;
}

bool is_wanted_there(const InstanceFacts& facts) {
  return facts.live != nullptr && facts.live->wanted;
}

bool is_resting(const Live* live) {
  return live != nullptr && (live->state == "dead" || live->state == "backoff");
}

// Left to itself its worker begins another run after the last end that is known.
bool goes_on(const InstanceFacts& facts) {
  const bool wanted_there = facts.live == nullptr || facts.live->wanted;
  return wanted_there && is_revived(facts.placement);
}

// The known end is that of the last run: no later one was asked for, reported, or begun by a policy
// while nobody reported.
bool has_ended(const InstanceFacts& facts) {
  const Placement& placement = facts.placement;
  if (!reports(facts) && goes_on(facts)) return false;
  if (is_resting(facts.live) && facts.live->run >= placement.run) return true;
  const std::int64_t reported_run = facts.live == nullptr ? 0 : facts.live->run;
  const std::int64_t run = std::max(placement.last_run(), reported_run);
  return placement.last_end && placement.last_end->run >= run;
}

}  // namespace

std::string_view word(Phase phase) {
  for (const PhaseRow& row : kPhases)
    if (row.phase == phase) return row.word;
  return "unknown";
}

PhaseAnswer phase_of(const InstanceFacts& facts) {
  PhaseAnswer answer;
  if (facts.live != nullptr && is_alive_word(facts.live->state)) {
    answer.phase = facts.worker_here ? Phase::kAlive : Phase::kUnknown;
    answer.alive = answer.reported = true;
    return answer;
  }
  if (has_ended(facts)) {
    const bool rests = facts.live != nullptr && (facts.live->state == "backoff" || goes_on(facts));
    answer.phase = rests ? Phase::kBackoff : Phase::kDead;
    answer.ended = true;
    return answer;
  }
  const bool wanted = is_wanted(facts.placement);
  answer.alive = wanted || facts.launching;
  if (!reports(facts))
    answer.phase = Phase::kUnknown;
  else
    answer.phase = wanted ? Phase::kStarting : answer.alive ? Phase::kStopping : Phase::kDead;
  return answer;
}

InstanceFacts facts_of(const Facts& facts, const std::string& name) {
  DM_CHECK(facts.state.instances.contains(name));
  const Placement& placement = facts.state.instances.at(name);
  const WorkerView* worker = facts.roster.find(placement.worker);
  InstanceFacts its{placement};
  its.live = facts.reports.find(name);
  its.worker_here = !facts.roster.away(placement.worker);
  its.worker_heard = worker != nullptr && worker->heard;
  its.launching = facts.underway.is_launching(name);
  return its;
}

PhaseAnswer phase_of(const Facts& facts, const std::string& name) {
  return phase_of(facts_of(facts, name));
}

bool is_unbegun(const InstanceFacts& facts) {
  const Placement& placement = facts.placement;
  if (!is_wanted(placement) || placement.begun >= placement.run) return false;
  if (placement.has_ended()) return false;
  return facts.live == nullptr || facts.live->state.empty() || facts.live->run < placement.run;
}

bool will_begin(const InstanceFacts& facts) {
  if (!is_wanted(facts.placement)) return false;
  const bool given_up = facts.placement.restart != Restart::kNo && facts.live != nullptr &&
                        !facts.live->wanted && facts.live->state == "dead";
  return given_up || is_unbegun(facts);
}

bool may_be_revived(const InstanceFacts& facts) {
  const Placement& placement = facts.placement;
  if (placement.restart == Restart::kNo) return false;
  if (facts.worker_heard && !is_wanted_there(facts)) return false;
  return !(placement.has_ended() && placement.last_end->last);
}

bool may_live(const InstanceFacts& facts) {
  const Live* live = facts.live;
  const bool reported = live != nullptr && !live->state.empty() && live->run >= facts.placement.run;
  const bool unsure = !facts.placement.given_up.empty() && !reported;
  if (phase_of(facts).phase != Phase::kDead || unsure) return true;
  if (facts.placement.restart == Restart::kNo) return false;
  if (facts.worker_heard && !is_wanted_there(facts)) return false;
  const Placement& placement = facts.placement;
  const bool is_last = placement.has_ended() && placement.last_end->last;
  // A power failure may take its worker's record of an end after which no policy goes on: while the
  // worker is away, nobody knows.
  return !is_last && (!reports(facts) || is_restarted(placement));
}

bool may_be_revived(const Facts& facts, const std::string& name) {
  return may_be_revived(facts_of(facts, name));
}

bool is_unbegun(const Facts& facts, const std::string& name) {
  return is_unbegun(facts_of(facts, name));
}

bool will_begin(const Facts& facts, const std::string& name) {
  return will_begin(facts_of(facts, name));
}

bool may_live(const Facts& facts, const std::string& name) {
  return may_live(facts_of(facts, name));
}

bool is_over(const Facts& facts, const std::string& name) {
  return facts.state.instances.at(name).has_ended() && !facts.underway.waits_for_files(name) &&
         !facts.state.held.contains(name) && !may_live(facts, name);
}

}  // namespace dm::master
