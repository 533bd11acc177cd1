// Runs: the state table, ends and restarts.
#include <algorithm>

#include "worker/core/agent.h"
#include "worker/core/app_place.h"

namespace dm::worker {
namespace {

constexpr int kSigint = 2;
constexpr int kSigkill = 9;
constexpr int kSigterm = 15;
constexpr std::string_view kBetweenRuns = "stopped before its next run; the last one: ";

}  // namespace

void Agent::handle(const SpawnFailed& failed, Now now) {
  const auto found = instances_.find(failed.instance);
  if (found == instances_.end() || found->second.run != failed.run) return;
  Instance& instance = found->second;
  // An answer that comes late, or twice, must not undo what is known.
  if (step(instance.state, RunEvent::kSpawnFailed).action != RunAction::kFinish) return;
  instance.exec_error = failed.error;
  drive(instance, RunEvent::kSpawnFailed, now);
}

void Agent::drive(Instance& instance, RunEvent event, Now now) {
  const RunStep next = step(instance.state, event);
  instance.state = next.next;
  perform(instance, next.action, now);
}

void Agent::perform(Instance& instance, RunAction action, Now now) {
  switch (action) {
    case RunAction::kNothing: break;
    case RunAction::kSpawn:
      forget_run(instance);
      set_deadline(instance, kNever);
      ++instance.run;
      begin_run(instance);
      break;
    case RunAction::kReport:
      instance.usage.kernel_state = '?';
      turns_.began(instance.spec.name, now);
      tell(instance);
      answer_launches(instance);
      break;
    case RunAction::kInterrupt:
      instance.our_part = OurPart::kStopped;
      signal(instance, kSigint, "group");
      tell(instance);
      break;
    case RunAction::kTerminateTree:
      signal(instance, kSigterm, "tree");
      // The time of a stop counts for the whole tree.
      if (instance.our_part != OurPart::kStopped || instance.deadline == kNever)
        set_deadline(instance, now.mono_ms + instance.grace_ms);
      tell(instance);
      break;
    case RunAction::kKillTree:
      signal(instance, kSigkill, "tree");
      set_deadline(instance, kNever);
      tell(instance);
      break;
    case RunAction::kFinish: {
      const bool began = instance.exited.has_value();
      EndOfRun end =
          began ? describe_end(instance, *instance.exited)
                : describe_failed_start(instance, instance.exec_error.value_or(Error{}), now);
      finish(instance, end, began ? instance.exited->number_or("seq", 0) : 0, now);
      break;
    }
    case RunAction::kAlreadyDown:
      set_deadline(instance, kNever);
      instance.our_part = OurPart::kNothing;
      tell(instance);
      answer_end(instance);
      break;
  }
}

// A launch that was asked for is on disk before it happens, so that it never happens twice; a
// restart by policy need not be, and must be quick.
void Agent::begin_run(Instance& instance) {
  const Line record = run_record(instance);
  if (has_waiting_launch(instance))
    append(record);
  else
    append_lazily(record);
  instance.spawn_sent = false;
  instance.supervisor_id = supervisor_;
  if (supervisor_ready_) send_spawn(instance);
}

void Agent::send_spawn(Instance& instance) {
  instance.spawn_sent = true;
  instance.supervisor_id = supervisor_;
  const InstanceSpec& spec = instance.spec;
  const auto found = installed_.find({spec.app, spec.manifest});
  const std::string executable = found == installed_.end() ? "missing" : found->second;
  const std::string version = facts_.root + "/apps/" + spec.app + "/" + spec.manifest;
  const std::string work = facts_.root + "/work/" + spec.name;
  Line line("SPAWN");
  line.add("id", spec.name + "/" + std::to_string(instance.run));
  line.add("instance", spec.name).add("run", instance.run);
  line.add("path", version + "/bin/" + executable).add("cwd", work);
  if (!facts_.app_users.empty())
    line.add("user", facts_.app_users[place_of_app(spec.app, facts_.app_users.size())]);
  line.add("arg", version + "/bin/" + executable);
  if (spec.lease_ms > 0)
    line.add("lease_until_ms", std::max<std::int64_t>(instance.lease_until, 1));
  for (const std::string& arg : spec.args) line.add("arg", arg);
  std::string libraries = version + "/lib";
  const auto env = [&](std::string_view name, std::string_view value) {
    line.add("env", std::string(name) + "=" + std::string(value));
  };
  env("PATH", facts_.path);
  env("HOME", work);
  env("TMPDIR", work + "/tmp");
  env("LANG", "C.UTF-8");
  env("DM_APP", spec.app);
  env("DM_INSTANCE", spec.name);
  env("DM_RUN", std::to_string(instance.run));
  env("DM_WORKER", facts_.name);
  env("DM_VERSION", spec.manifest);
  for (const std::string& given : spec.env) {
    if (given.starts_with("LD_LIBRARY_PATH=")) {
      libraries += ":" + given.substr(given.find('=') + 1);
    } else {
      line.add("env", given);
    }
  }
  env("LD_LIBRARY_PATH", libraries);
  out_.push_back(Spawn{spec.name, instance.run, line});
}

void Agent::signal(const Instance& instance, int number, std::string_view to) {
  if (!supervisor_ready_) return;
  Line line("SIGNAL");
  line.add("id", "signal").add("instance", instance.spec.name).add("run", instance.run);
  out_.push_back(ToSupervisor{line.add("signal", number).add("to", to)});
}

// The end is recorded first, then the supervisor may forget it, then the master hears of it, and
// only then those who waited for it are answered: whoever asks next sees it.
void Agent::finish(Instance& instance, const EndOfRun& end, std::int64_t supervisor_seq, Now now) {
  record_end(instance, end, supervisor_seq);
  set_deadline(instance, kNever);
  // Where everything is being stopped there is nobody left to start it again.
  const bool may_restart = !instance.exited || !instance.exited->has("all_stopped");
  instance.exited.reset();
  // A launch that is answered with an error must not come true later.
  if (instance.exec_error && has_waiting_launch(instance)) set_wanted(instance, false);
  answer_launches(instance);
  if (may_restart) decide_restart(instance, *instance.last_end, now);
  if (instance.state == RunState::kDown) {
    instance.our_part = OurPart::kNothing;
    tell(instance);
  }
  answer_end(instance);
}

void Agent::record_end(Instance& instance, const EndOfRun& end, std::int64_t supervisor_seq) {
  Line record("EXITED");
  record.add("seq", next_end_++);
  for (const auto& [key, value] : end.fields()) record.add(key, value);
  append_lazily(record);
  const bool all_stopped = instance.exited && instance.exited->has("all_stopped");
  // The master, which knows the policy, would wait for the next run.
  if (all_stopped || !instance.spec.is_known()) record.add("last", 1);
  keep_end(record);
  if (supervisor_seq > 0) out_.push_back(ToSupervisor{Line("ACK").add("seq", supervisor_seq)});
  if (link_.is_up()) out_.push_back(ToMaster{record, true});
  out_.push_back(EndStreams{instance.spec.name, instance.run});
  instance.last_end = std::move(record);
}

void Agent::decide_restart(Instance& instance, const EndOfRun& end, Now now) {
  if (!wants_restart(instance, end)) return;
  if (hold_.is_held()) {
    instance.state = RunState::kBackoff;
    instance.retry_wall_ms = 0;
    return tell(instance);
  }
  const std::int64_t ended = end.number_or("ended_ms", now.wall_ms);
  const std::int64_t lived = ended - end.number_or("started_ms", ended);
  const std::int64_t delay = instance.backoff.next(lived, random_);
  if (delay == 0 && may_run(instance, now)) return restart(instance, RunEvent::kStart, now);
  instance.state = RunState::kBackoff;
  pause(instance, delay, now);
}

void Agent::pause(Instance& instance, std::int64_t delay, Now now) {
  set_deadline(instance, now.mono_ms + delay);
  instance.retry_wall_ms = now.wall_ms + delay;
  tell(instance);
}

// The master has nowhere else to try it. Not if another run has been begun since: should that one
// die too, its end will be answered like this one.
void Agent::slow_down(const std::string& name, std::int64_t seq, Now now) {
  const auto found = instances_.find(name);
  if (found == instances_.end() || found->second.state != RunState::kBackoff) return;
  Instance& instance = found->second;
  if (!instance.last_end || instance.last_end->number_or("seq", 0) != seq) return;
  pause(instance, instance.backoff.longest(random_), now);
}

// By policy. Counted when it happens: one that is still to come may be stopped.
void Agent::restart(Instance& instance, RunEvent event, Now now) {
  ++instance.restarts;
  drive(instance, event, now);
}

// Before the policy begins another run: the answer speaks of this one.
void Agent::answer_launches(Instance& instance) {
  for (const PendingAnswer& answer : instance.answers) {
    if (answer.kind != PendingAnswer::Kind::kLaunch) continue;
    if (instance.exec_error)
      err(answer.id, *instance.exec_error);
    else
      to_master(Line("OK").add("id", answer.id).add("pid", instance.pid).add("run", instance.run));
  }
  std::erase_if(instance.answers, [](const PendingAnswer& answer) {
    return answer.kind == PendingAnswer::Kind::kLaunch;
  });
}

// Answers everyone who waited for the end.
void Agent::answer_end(Instance& instance) {
  std::vector<PendingAnswer> answers;
  answers.swap(instance.answers);
  for (const PendingAnswer& answer : answers) {
    Line line("OK");
    line.add("id", answer.id);
    if (instance.last_end) {
      std::string reason(answer.rested ? kBetweenRuns : "");
      reason += instance.last_end->text("reason");
      line.add("reason", reason + beside());
    }
    to_master(line);
  }
}

// What may be of any run, or of none: nobody says that all has ended beside it.
std::string Agent::beside() const {
  if (orphan_count_ == 0) return "";
  const std::string count = std::to_string(orphan_count_);
  return "; not ended: " + count + (orphan_count_ == 1 ? " process" : " processes") +
         " of no known run: " + name_survivors(orphans_, orphan_count_);
}

void Agent::expire(Instance& instance, Now now) {
  set_deadline(instance, kNever);
  switch (instance.state) {
    case RunState::kStopping:
      if (instance.may_kill) {
        instance.our_part = OurPart::kTimedOut;
        return drive(instance, RunEvent::kStopTimeout, now);
      }
      return answer_timeout(instance);
    case RunState::kDraining:
      if (instance.our_part == OurPart::kStopped && !instance.may_kill)
        return answer_timeout(instance);
      instance.survivors_killed = true;
      return drive(instance, RunEvent::kDrainTimeout, now);
    case RunState::kBackoff:
      // Otherwise the next lease brings it back (agent_leases.cc).
      if (may_run(instance, now)) restart(instance, RunEvent::kRetryDue, now);
      break;
    default: break;
  }
}

void Agent::answer_timeout(Instance& instance) {
  for (const PendingAnswer& answer : instance.answers)
    err(answer.id, fail(Code::kTimeout, instance.spec.name + " has not ended within " +
                                            print_grace(instance.grace_ms)));
  instance.answers.clear();
}

void Agent::set_deadline(Instance& instance, std::int64_t at) {
  deadlines_.move(instance.spec.name, instance.deadline, at);
  instance.deadline = at;
}

void Agent::erase(const std::string& name) {
  const auto found = instances_.find(name);
  if (found == instances_.end()) return;
  set_deadline(found->second, kNever);
  instances_.erase(found);
}

void Agent::set_wanted(Instance& instance, bool wanted) {
  if (instance.wanted == wanted) return;
  instance.wanted = wanted;
  Line record("DESIRED");
  record.add("instance", instance.spec.name);
  append(record.add("desired", wanted ? "running" : "stopped"));
}

}  // namespace dm::worker
