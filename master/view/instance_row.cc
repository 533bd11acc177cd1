#include "master/view/instance_row.h"

#include <algorithm>

#include "common/units.h"
#include "master/decide/phase.h"
#include "master/decide/singletons.h"

namespace dm::master {
namespace {

void show_live(InstanceRow& row, const Live& live) {
  row.pid = live.pid;
  row.started_ms = live.started_ms;
  if (!live.pid) return;
  row.cpu_percent = live.cpu_percent;
  row.cpu_user_ms = live.cpu_user_ms;
  row.cpu_system_ms = live.cpu_system_ms;
  row.rss_bytes = live.rss_bytes;
  row.max_rss_bytes = live.max_rss_bytes;
}

void show_end(InstanceRow& row, const RunEnd& end) {
  row.reason = end.reason;
  row.pid = end.pid;
  row.started_ms = end.started_ms;
  row.ended_ms = end.ended_ms;
  row.exit_code = end.exit_code;
  row.signal = end.signal;
  row.core = end.core;
  row.cpu_user_ms = end.cpu_user_ms;
  row.cpu_system_ms = end.cpu_system_ms;
  row.max_rss_bytes = end.max_rss_bytes;
}

void show_backoff(InstanceRow& row, const Live& live, Now now) {
  row.pid.reset();
  if (!live.retry_ms) return;
  const std::int64_t left = std::max<std::int64_t>(*live.retry_ms - now.wall_ms, 0);
  row.reason += (row.reason.empty() ? "next try in " : ", next try in ") + print_duration(left);
}

// Why nothing is known of it now.
std::string why_unknown(const Facts& facts, const Placement& placement) {
  const WorkerView* view = facts.roster.find(placement.worker);
  std::string why = "worker " + placement.worker + " has not reported yet";
  if (facts.roster.away(placement.worker))
    why = "worker " + placement.worker + " " +
          std::string(view == nullptr ? "lost" : word(view->presence));
  if (!placement.superseded_by.empty()) why += ", superseded by " + placement.superseded_by;
  if (!placement.quarantined.empty()) why += ", quarantined: " + placement.quarantined;
  return why;
}

}  // namespace

InstanceRow row_of(const Facts& facts, const std::string& name, Now now) {
  const InstanceFacts its = facts_of(facts, name);
  const Placement& placement = its.placement;
  const PhaseAnswer answer = phase_of(its);
  static const Live kSilent;
  const Live& live = its.live == nullptr ? kSilent : *its.live;
  InstanceRow row;
  row.name = name;
  row.placement = &placement;
  row.run = std::max(placement.last_run(), live.run);
  row.restarts = live.restarts;
  row.state = answer.phase == Phase::kAlive ? live.state : std::string(word(answer.phase));
  row.alive = answer.alive;
  const WorkerView* worker = facts.roster.find(placement.worker);
  if (answer.phase == Phase::kUnknown && worker != nullptr && worker->presence == Presence::kLeft)
    row.away = placement.worker + " left";
  if (answer.ended) {
    if (placement.last_end) show_end(row, *placement.last_end);
    if (const std::string& by = placement.superseded_by;
        !by.empty() && row.reason.find(by) == std::string::npos)
      row.reason += ", superseded by " + by;
    if (answer.phase == Phase::kBackoff) show_backoff(row, live, now);
    return row;
  }
  if (answer.reported)
    show_live(row, live);
  else
    row.reason = placement.given_up;
  if (answer.phase == Phase::kAlive) return row;
  if (answer.phase == Phase::kUnknown) {
    if (row.reason.empty()) row.reason = why_unknown(facts, placement);
    return row;
  }
  if (const auto why = waits_for(facts, name, now)) row.reason = "waits " + *why;
  return row;
}

}  // namespace dm::master
