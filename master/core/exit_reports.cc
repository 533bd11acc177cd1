#include "master/core/exit_reports.h"

#include <algorithm>
#include <utility>

#include "master/decide/moves.h"

namespace dm::master {
namespace {

// Is this the end of a run whose end is known? Numbers of runs that a policy began may come again
// after a power failure, so a run that began later is another one.
bool is_told_again(const RunEnd& known, const RunEnd& end, bool counted) {
  if (end.run > known.run) return false;
  if (!end.started_ms) return true;
  if (end.run == known.run) return end.started_ms == known.started_ms;
  return counted || !known.ended_ms || *end.started_ms <= *known.ended_ms;
}

}  // namespace

// By the numbers that are missing before this one.
void ExitReports::tell_dropped(WorkerView& worker, std::int64_t seq, Now now) {
  const auto acknowledged = state_.acknowledged.find(worker.name);
  if (acknowledged == state_.acknowledged.end()) return;
  const std::int64_t last = std::max(acknowledged->second, worker.owed_ack);
  if (seq <= last + 1) return;
  ClusterEvent event;
  event.kind = "notice";
  event.text = std::to_string(seq - last - 1) + " ends of runs on " + worker.name +
               " were dropped: more than it keeps for an absent master, or told to a journal "
               "that is gone";
  worker_events_.emit(worker, std::move(event), now);
}

// What was not acknowledged at once, together; unless it was with what came after.
void ExitReports::pay_ack(WorkerView& worker) {
  const std::int64_t seq = std::exchange(worker.owed_ack, 0);
  const auto acknowledged = state_.acknowledged.find(worker.name);
  const bool was = acknowledged != state_.acknowledged.end() && seq <= acknowledged->second;
  if (seq == 0 || was || !state_.fence.empty()) return;
  recorder_.record(Line("ACKED").add("worker", worker.name).add("seq", seq));
  out_.push_back(ToSession{worker.session, Line("ACK").add("seq", seq)});
}

void ExitReports::exited(WorkerView& worker, const Line& line, Now now) {
  // What an old copy acknowledges would be lost to the right journal. It is told again.
  if (!state_.fence.empty()) return;
  const std::string name(line.text("instance"));
  const auto seq = figure(line, "seq");
  RunEnd end = parse_end(line);
  const auto placement = state_.instances.find(name);
  // A worker speaks only for itself.
  const bool ours = placement != state_.instances.end() && placement->second.worker == worker.name;
  end.crashes = ours ? crashes_with(placement->second, end) : 0;
  const auto acknowledged = state_.acknowledged.find(worker.name);
  const bool counted =
      seq && acknowledged != state_.acknowledged.end() && *seq <= acknowledged->second;
  // A number alone proves nothing: a power failure may have taken the worker's youngest records,
  // and then it counts from an older one, and tells again of runs that it does not know to be over.
  const bool repeated =
      ours ? placement->second.last_end && is_told_again(*placement->second.last_end, end, counted)
           : counted;
  if (seq) tell_dropped(worker, *seq, now);
  if (ours && !repeated) {
    run_ends_.record(name, end, seq, now);
  } else if (seq && !counted && state_.knows_worker(worker.name)) {
    if (!worker.acks.take(now.mono_ms)) {
      worker.owed_ack = std::max(worker.owed_ack, *seq);
      return;
    }
    recorder_.record(Line("ACKED").add("worker", worker.name).add("seq", *seq));
  }
  const bool leaves = ours && !repeated && should_try_elsewhere(facts_, name);
  const WorkerView* target = leaves ? failover_.elsewhere(name, IfAllAreFull::kNone, now) : nullptr;
  if (seq) {
    Line ack = Line("ACK").add("seq", *seq);
    if (leaves && failover_.elsewhere(name, IfAllAreFull::kLeastLoaded, now) == nullptr)
      ack.add("slow", name);
    out_.push_back(ToSession{worker.session, ack});
  }
  if (repeated || !ours) return;
  Live& live = reports_.edit(name);
  // What follows from an end may have been told before the end itself, by an older worker.
  const bool is_told = live.state == "backoff" && live.run == end.run;
  if (end.run >= live.run && !is_told) {
    live.run = end.run;
    live.state = "dead";
    live.pid.reset();
  }
  tails_.ended(name, worker, line, now);
  launches_.begin_replacement(name, now);
  if (target != nullptr) failover_.move_one(name, *target, MoveReason::kCrashes, now);
}

}  // namespace dm::master
