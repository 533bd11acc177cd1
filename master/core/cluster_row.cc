// One instance as it is shown: what its worker said last, how its last run ended, what it waits
// for.
#include <algorithm>

#include "common/units.h"
#include "master/core/cluster.h"

namespace dm::master {
namespace {

void show_live(InstanceRow& row, const Live& live) {
  row.alive = true;
  row.state = live.state;
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
  row.state = "backoff";
  row.pid.reset();
  if (!live.retry_ms) return;
  const std::int64_t left = std::max<std::int64_t>(*live.retry_ms - now.wall_ms, 0);
  row.reason += (row.reason.empty() ? "next try in " : ", next try in ") + print_duration(left);
}

}  // namespace

InstanceRow Cluster::row(const std::string& name, Now now) const {
  InstanceRow row;
  row.name = name;
  row.placement = &state_.instances.at(name);
  const Placement& placement = *row.placement;
  const auto found = live_.find(name);
  const Live silent;
  const Live& live = found == live_.end() ? silent : found->second;
  row.run = std::max(placement.last_run(), live.run);
  row.restarts = live.restarts;
  const auto& end = placement.last_end;
  const bool is_here = !away(placement.worker);
  const auto view = workers_.find(placement.worker);
  const bool is_heard = is_here && view->second.heard;
  // Nobody would have told us of the run that its policy has begun since.
  const bool may_be_revived = !is_heard && live.wanted && is_revived(placement);
  const bool rests = live.state == "dead" || live.state == "backoff";
  if (is_alive(name)) {
    show_live(row, live);
    if (is_here) return row;
  } else if (!may_be_revived &&
             ((rests && live.run >= placement.run) || (end && end->run >= row.run))) {
    row.state = "dead";
    if (end) show_end(row, *end);
    if (live.state == "backoff") show_backoff(row, live, now);
    return row;
  } else {
    const bool is_wanted = placement.desired == Desired::kRunning;
    row.alive = is_wanted || is_launching(name);
    row.state = is_wanted ? "starting" : row.alive ? "stopping" : "dead";
    row.reason = placement.given_up;
  }
  if (is_heard) {
    if (const auto why = waits_for(name, now)) row.reason = "waits " + *why;
    return row;
  }
  // What is not heard of is not known.
  row.state = "unknown";
  if (!row.reason.empty()) return row;
  row.reason = "worker " + placement.worker + " has not reported yet";
  if (!is_here)
    row.reason = "worker " + placement.worker + " " +
                 std::string(view == workers_.end() ? "lost" : word(view->second.presence));
  if (!placement.superseded_by.empty()) row.reason += ", superseded by " + placement.superseded_by;
  if (!placement.quarantined.empty()) row.reason += ", quarantined: " + placement.quarantined;
  return row;
}

}  // namespace dm::master
