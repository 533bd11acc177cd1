#include "master/core/launches.h"

#include <algorithm>
#include <utility>

#include "master/decide/phase.h"
#include "master/decide/singletons.h"

namespace dm::master {
namespace {

constexpr std::size_t kMostWhy = 1024;

bool may_yet_succeed(Code code) {
  switch (code) {
    case Code::kLost:
    case Code::kBusy:
    case Code::kNoSpace:
    case Code::kTimeout: return true;
    default: return false;
  }
}

}  // namespace

void Launches::install_or_launch(const std::string& instance, RequestId request, Now now) {
  if (const auto why = waits_for(facts_, instance, now)) {
    timers_.reconcile_soon(now);
    return requests_.done_one(request, instance, fail(Code::kBusy, instance + " waits " + *why),
                              now);
  }
  const auto found = state_.instances.find(instance);
  if (found == state_.instances.end())
    return requests_.done_one(request, instance, fail(Code::kNotFound, instance + " was deleted"),
                              now);
  const Placement& placement = found->second;
  const auto version = state_.versions.find(placement.version);
  if (version == state_.versions.end())
    return failed(instance, request,
                  fail(Code::kNotFound, "its version of " + placement.app + " was deleted"), now);
  if (version->second.installed_on.contains(placement.worker)) return send(instance, request, now);
  waiting_[instance] = request;
  underway_.set_files(instance, true);
  transfers_.begin(placement.worker, placement.app, placement.version, 0, instance, now);
}

void Launches::send(const std::string& instance, RequestId request, Now now) {
  const auto found = state_.instances.find(instance);
  if (found == state_.instances.end())
    return requests_.done_one(request, instance, fail(Code::kNotFound, instance + " was deleted"),
                              now);
  const Placement& placement = found->second;
  if (placement.desired != Desired::kRunning)
    return failed(instance, request, fail(Code::kBusy, instance + " was stopped before it began"),
                  now);
  Order order;
  order.worker = placement.worker;
  order.kind = OrderKind::kLaunch;
  order.request = request;
  order.instance = instance;
  order.line = launch_line(instance, placement);
  orders_.send(std::move(order), now);
}

void Launches::files_arrived(const std::string& instance, const std::optional<Error>& error,
                             Now now) {
  const auto waiting = waiting_.extract(instance);
  if (waiting.empty()) return;
  underway_.set_files(instance, false);
  if (error)
    failed(instance, waiting.mapped(), *error, now);
  else
    send(instance, waiting.mapped(), now);
}

Line launch_line(const std::string& instance, const Placement& placement) {
  Line line("LAUNCH");
  line.add("instance", instance).add("app", placement.app).add("manifest", placement.version);
  line.add("run", placement.run).add("restart", word(placement.restart));
  if (placement.log_max_bytes > 0) line.add("log_max_bytes", placement.log_max_bytes);
  if (placement.lease_ms > 0) line.add("lease_ms", placement.lease_ms);
  for (const std::string& arg : placement.args) line.add("arg", arg);
  for (const std::string& env : placement.env) line.add("env", env);
  return line;
}

void Launches::launch_again(const std::string& name, Now now) {
  const Placement& placement = state_.instances.at(name);
  if (stands_back(facts_, name, now)) return timers_.reconcile_soon(now);
  // Its worker may know of a later run than this journal, which is perhaps an old copy: a run that
  // the worker has had is never begun again.
  const Live* live = reports_.find(name);
  std::int64_t last = placement.has_ended() ? placement.last_end->run : 0;
  if (live != nullptr && live->state == "dead" && live->run >= placement.run)
    last = std::max({last, live->run, placement.begun});
  if (last > 0) {
    Line again = print_desired(name, Desired::kRunning);
    recorder_.record(again.add("run", last + 1));
  }
  install_or_launch(name, 0, now);
}

// A launch that was answered with an error must not come true later: it is withdrawn.
void Launches::failed(const std::string& instance, RequestId request, const Error& error, Now now) {
  const auto found = state_.instances.find(instance);
  if (found == state_.instances.end()) return requests_.done_one(request, instance, error, now);
  if (request == 0 && try_later(instance, error, now)) return;
  const Error told = on_worker(error, found->second.worker);
  withdraw(instance, found->second, error, now);
  requests_.done_one(request, instance, told, now);
}

// Nobody waits: what may yet succeed is tried again. If the worker is lost, failover or its return
// sees to it.
bool Launches::try_later(const std::string& instance, const Error& error, Now now) {
  const Placement& placement = state_.instances.at(instance);
  if (placement.desired != Desired::kRunning || !may_yet_succeed(error.code)) return false;
  if (placement.has_ended() && placement.restart == Restart::kNo) return false;
  timers_.reconcile_soon(now);
  return true;
}

void Launches::withdraw(const std::string& instance, const Placement& placement, const Error& error,
                        Now now) {
  Line desired = print_desired(instance, Desired::kStopped);
  const std::string why = "not launched: " + error.message;
  const bool explained = placement.has_ended();
  // It may have reached the worker all the same: that is told when the worker is back.
  const bool unsure = !explained && (error.code == Code::kLost || error.code == Code::kTimeout);
  if (unsure) desired.add("given_up", why.substr(0, kMostWhy));
  if (unsure || placement.desired == Desired::kRunning) recorder_.record(desired);
  if (!explained && !unsure) {
    RunEnd end;
    end.run = placement.run;
    end.ended_ms = now.wall_ms;
    end.reason = why;
    run_ends_.record(instance, end, std::nullopt, now);
  }
  if (facts_.reports.is_alive(instance)) {
    if (!facts_.roster.away(placement.worker)) ends_.send(instance, now);
  } else if (!unsure) {
    reports_.edit(instance).state = "dead";
  }
}

// Its worker has lost what we believe to be there, with its journal perhaps: once more, from the
// files on.
bool Launches::install_again(const Order& order, Now now) {
  const auto placement = state_.instances.find(order.instance);
  if (placement == state_.instances.end()) return false;
  const auto version = state_.versions.find(placement->second.version);
  if (version == state_.versions.end() || !version->second.installed_on.contains(order.worker))
    return false;
  if (!reinstalled_.insert(order.instance).second) return false;
  Line missing("UNINSTALLED");
  missing.add("app", placement->second.app).add("manifest", placement->second.version);
  recorder_.record(missing.add("worker", order.worker));
  install_or_launch(order.instance, order.request, now);
  return true;
}

// The run before has not ended yet: it stays as its worker has it, and there is no next one.
void Launches::keep_earlier_run(const std::string& instance) {
  const auto placement = state_.instances.find(instance);
  const Live* live = reports_.find(instance);
  if (placement == state_.instances.end() || live == nullptr) return;
  if (live->run >= placement->second.run) return;
  const Desired desired = live->wanted ? Desired::kRunning : Desired::kStopped;
  recorder_.record(print_kept_run(instance, desired, live->run));
}

void Launches::tell_launched(const std::string& instance, const std::string& pid, Now now) {
  const Placement& placement = state_.instances.at(instance);
  ClusterEvent event;
  event.kind = "launched";
  event.worker = placement.worker;
  event.instance = instance;
  event.app = placement.app;
  event.who = placement.asked_by;
  event.text = instance + " runs on " + placement.worker + ", pid " + pid;
  recorder_.emit(std::move(event), now);
}

void Launches::record_launched(const std::string& instance, std::int64_t run, Now now) {
  Line line("LAUNCHED");
  recorder_.record_lazily(line.add("instance", instance).add("run", run).add("at", now.wall_ms));
}

// Its worker has begun what a master before us had ordered, and that one did not live to hear it.
void Launches::adopt(const std::string& instance, const Live& live, Now now) {
  const Placement& placement = state_.instances.at(instance);
  const bool unanswered = placement.begun < placement.run && live.run == placement.run && live.pid;
  if (!unanswered || facts_.underway.has_order(instance)) return;
  record_launched(instance, live.run, now);
  tell_launched(instance, std::to_string(*live.pid), now);
}

// Its policy has begun a run that nobody asked for: one that must be known as well should its
// worker and this master be lost together.
void Launches::note_revival(const std::string& instance, const Live& live, Now now) {
  const Placement& placement = state_.instances.at(instance);
  if (!live.pid || live.run <= placement.last_run()) return;
  ClusterEvent event;
  event.kind = "started";
  event.worker = placement.worker;
  event.instance = instance;
  event.app = placement.app;
  event.text = instance + " runs again on " + placement.worker + ": run " +
               std::to_string(live.run) + ", pid " + std::to_string(*live.pid);
  record_launched(instance, live.run, now);
  recorder_.emit(std::move(event), now);
}

void Launches::settled(const Order& order, const Line& answer, const std::optional<Error>& error,
                       Now now) {
  if (error && error->code == Code::kNotFound && install_again(order, now)) return;
  reinstalled_.erase(order.instance);
  if (error && error->code == Code::kExists) {
    keep_earlier_run(order.instance);
    return requests_.done_one(order.request, order.instance, error, now);
  }
  if (error) {
    Error explained = *error;
    if (error->code == Code::kExecFailed) explained.message = "exec failed: " + error->message;
    return failed(order.instance, order.request, explained, now);
  }
  const auto placement = state_.instances.find(order.instance);
  const std::string pid = std::to_string(figure(answer, "pid").value_or(0));
  if (placement != state_.instances.end()) {
    const std::int64_t run = figure(answer, "run").value_or(placement->second.run);
    record_launched(order.instance, run, now);
    Live& live = reports_.edit(order.instance);
    if (live.state.empty()) {
      live.state = "running";
      live.run = run;
      live.pid = figure(answer, "pid");
      live.started_ms = now.wall_ms;
    }
    tell_launched(order.instance, pid, now);
  }
  requests_.out_line(order.request, order.instance + " " + order.worker + " " + pid);
  requests_.done_one(order.request, order.instance, std::nullopt, now);
}

void Launches::begin_replacement(const std::string& old, Now now) {
  const auto found = state_.instances.find(old);
  if (found == state_.instances.end() || found->second.superseded_by.empty()) return;
  const std::string fresh = found->second.superseded_by;
  if (!state_.instances.contains(fresh) || !is_unbegun(facts_, fresh)) return;
  if (facts_.underway.has_order(fresh) || waiting_.contains(fresh) ||
      facts_.roster.away(state_.instances.at(fresh).worker))
    return;
  install_or_launch(fresh, 0, now);
}

}  // namespace dm::master
