// The supervisor's lines: what it knows when it is met, what becomes of what it does not know, and
// how runs begin and end.
#include "worker/core/agent.h"

namespace dm::worker {
namespace {

constexpr int kSigint = 2;
constexpr int kSigkill = 9;
constexpr int kSigterm = 15;
constexpr std::string_view kAdopt = "adopt/";
constexpr std::string_view kSignal = "signal";
constexpr std::string_view kUpgrade = "upgrade";

// An end known from a supervisor that has died since, under the number that its successor gave to
// what it found: that one knows only what is left.
Line renumbered(const Line& known, const Line& found) {
  Line line("EXITED");
  line.add("seq", found.number_or("seq", 0)).add("left", found.number_or("left", 0));
  for (const auto& [key, value] : known.fields()) line.add(key, value);
  return line;
}

}  // namespace

void Agent::handle(const SupervisorLine& event, Now now) {
  struct Row {
    std::string_view verb;
    Handler handler;
  };
  static constexpr Row kRows[] = {
      {"SUPERVISOR", &Agent::supervisor_greets}, {"RUN", &Agent::supervisor_run},
      {"EXITED", &Agent::supervisor_exited},     {"EMPTY", &Agent::supervisor_empty},
      {"SYNCED", &Agent::supervisor_synced},     {"OK", &Agent::supervisor_answer},
      {"ERR", &Agent::supervisor_answer},        {"ORPHANS", &Agent::supervisor_orphans},
  };
  for (const Row& row : kRows)
    if (row.verb == event.line.verb()) return (this->*row.handler)(event.line, now);
}

void Agent::supervisor_greets(const Line& line, Now now) {
  std::string id = std::string(line.text("boot")) + "/" + std::string(line.text("pid"));
  if (line.has("start")) id += "/" + std::string(line.text("start"));
  seen_.clear();
  is_outdated_ = line.has("build") && line.text("build") != facts_.build;
  if (id == supervisor_) return;
  if (!supervisor_.empty() && boot_of(supervisor_) != boot_of(id)) hold_until_heard(now);
  supervisor_ = std::move(id);
  append(Line("SUPERVISOR").add("id", supervisor_));
}

void Agent::supervisor_run(const Line& line, Now now) {
  const std::string name(line.text("instance"));
  if (is_news(line) && !take_up(line, now))
    return out_.push_back(Say{"the supervisor runs " + name + ", which is no instance's name"});
  Instance& instance = instances_.at(name);
  if (instance.run != line.number_or("run", 0)) return end_stray(instance, line);
  seen_.insert(name);
  began(instance, line, now);
}

bool Agent::is_news(const Line& line) const {
  const auto found = instances_.find(std::string(line.text("instance")));
  return found == instances_.end() || found->second.run < line.number_or("run", 0);
}

// A run that the supervisor knows and no record does, since the journal was mended or is an old
// copy: kept, so that nobody begins another beside it, and told to the master as any other. False
// for what is none.
bool Agent::take_up(const Line& line, Now now) {
  const auto spec = unknown_spec(line.text("instance"));
  const std::int64_t run = line.number_or("run", 0);
  if (!spec || run < 1) return false;
  Instance& instance = instances_[spec->name];
  if (instance.spec.name.empty()) {
    instance.spec = *spec;
    append(print_spec("INSTANCE", instance.spec));
  }
  const bool is_over = instance.state == RunState::kDown || instance.state == RunState::kBackoff;
  if (!is_over) record_end(instance, describe_unknown_end(instance, false, now), 0);
  // It was when that run was begun; the master stops it if it is no longer.
  set_wanted(instance, true);
  forget_run(instance);
  set_deadline(instance, kNever);
  instance.run = run;
  instance.supervisor_id = supervisor_;
  instance.spawn_sent = true;
  instance.state = RunState::kSpawning;
  append(run_record(instance));
  out_.push_back(Say{"no record speaks of run " + std::to_string(run) + " of " + spec->name +
                     ", which the supervisor knows: it is kept" +
                     (instance.spec.is_known() ? "" : ", and not restarted by any policy")});
  return true;
}

// Another run has been begun since, so nobody took this one for alive: two of them never live
// together.
void Agent::end_stray(const Instance& instance, const Line& line) {
  const std::string& name = instance.spec.name;
  const std::int64_t run = line.number_or("run", 0);
  out_.push_back(Say{"run " + std::to_string(run) + " of " + name + " lives beside run " +
                     std::to_string(instance.run) + ", which was begun since: it is killed"});
  Line kill("SIGNAL");
  kill.add("id", "signal").add("instance", name).add("run", run);
  out_.push_back(ToSupervisor{kill.add("signal", kSigkill).add("to", "tree")});
}

// Recorded, so that the process can be found again should its supervisor and we both die: pid and
// start time name it for as long as the machine is up.
void Agent::began(Instance& instance, const Line& line, Now now) {
  const bool is_news = instance.pid != line.number_or("pid", 0) ||
                       instance.pid_start != line.number_or("start", 0) ||
                       instance.supervisor_id != supervisor_;
  instance.pid = line.number_or("pid", 0);
  instance.pid_start = line.number_or("start", 0);
  instance.started_ms = line.number_or("started_ms", now.wall_ms);
  instance.cgroup = line.text("cgroup");
  instance.supervisor_id = supervisor_;
  if (is_news) append_lazily(started_record(instance));
  drive(instance, RunEvent::kSpawned, now);
}

void Agent::supervisor_synced(const Line&, Now now) {
  supervisor_ready_ = true;
  adopting_ = 0;
  for (auto& [name, instance] : instances_) resume(instance, seen_.contains(name), now);
  if (adopting_ > 0)
    out_.push_back(Say{"the supervisor is another one now: how the " +
                       (adopting_ == 1 ? "app" : std::to_string(adopting_) + " apps") +
                       " that it takes over will end, nobody can tell"});
  if (!is_outdated_ || upgrade_asked_ || facts_.build.empty()) return;
  upgrade_asked_ = true;
  out_.push_back(ToSupervisor{Line("UPGRADE").add("id", kUpgrade)});
}

void Agent::upgraded(const Line& answer) {
  if (answer.verb() == "OK")
    out_.push_back(Say{"the supervisor now is version " + std::string(answer.text("version"))});
  else
    out_.push_back(Say{"the supervisor stays as it was: " + std::string(answer.text("msg"))});
}

// The supervisor has said all it knows; what it may not have heard is said again.
void Agent::resume(Instance& instance, bool seen, Now now) {
  if (instance.state == RunState::kBackoff) return;
  if (instance.state == RunState::kDown) {
    if (instance.last_end && instance.run > 0) decide_restart(instance, *instance.last_end, now);
    return;
  }
  const bool spawns = instance.state == RunState::kSpawning;
  const bool is_same = instance.supervisor_id == supervisor_;
  if (spawns && instance.spec.is_known() && (is_same || !instance.spawn_sent))
    return send_spawn(instance);
  if (seen) return signal_again(instance, now);
  const bool same_boot = boot_of(instance.supervisor_id) == boot_of(supervisor_);
  if (is_same || !instance.spawn_sent || !same_boot) return lose(instance, !same_boot, now);
  adopt(instance);
}

// Asked of a supervisor that has not begun this run, nor is it known to have ended.
void Agent::adopt(const Instance& instance) {
  ++adopting_;
  const std::string& name = instance.spec.name;
  Line line("ADOPT");
  line.add("id", std::string(kAdopt) + name + "/" + std::to_string(instance.run));
  line.add("instance", name).add("run", instance.run);
  // Without a pid nobody has heard whether it began: the supervisor looks for its mark.
  if (instance.pid > 0) line.add("pid", instance.pid).add("start", instance.pid_start);
  if (instance.started_ms > 0) line.add("started_ms", instance.started_ms);
  if (instance.spec.lease_ms > 0)
    line.add("lease_until_ms", std::max<std::int64_t>(instance.lease_until, 1));
  out_.push_back(ToSupervisor{std::move(line)});
}

void Agent::adopted(Instance& instance, const Line& line, Now now) {
  const bool is_over = instance.state == RunState::kDown || instance.state == RunState::kBackoff;
  if (is_over || instance.supervisor_id == supervisor_) return;
  if (line.verb() == "OK") {
    began(instance, line, now);
    return signal_again(instance, now);
  }
  if (line.text("code") != word(Code::kNotFound))
    out_.push_back(
        Say{instance.spec.name + " cannot be taken over: " + std::string(line.text("msg"))});
  lose(instance, false, now);
}

// Nobody can tell how it ended, nor, if no pid was ever known, whether it began: whoever waits for
// its start is not told that it did.
void Agent::lose(Instance& instance, bool rebooted, Now now) {
  if (!instance.spawn_sent)
    instance.exec_error = fail(Code::kBusy, "it was stopped before it began");
  else if (instance.pid == 0)
    instance.exec_error = fail(Code::kInternal, "the supervisor ended before it had answered");
  EndOfRun end = describe_unknown_end(instance, rebooted, now);
  if (instance.exited) end = describe_end(instance, *instance.exited);
  if (!instance.spawn_sent) end = describe_failed_start(instance, *instance.exec_error, now);
  instance.state = RunState::kDown;
  finish(instance, end, 0, now);
}

void Agent::signal_again(Instance& instance, Now now) {
  switch (instance.state) {
    case RunState::kUp:
      // A stop that the agent before us had begun is finished by us.
      if (instance.wanted) return;
      set_deadline(instance, now.mono_ms + instance.grace_ms);
      return drive(instance, RunEvent::kStop, now);
    case RunState::kStopping: return signal(instance, kSigint, "group");
    case RunState::kDraining: return signal(instance, kSigterm, "tree");
    case RunState::kKilling: return signal(instance, kSigkill, "tree");
    default: return;
  }
}

// The kernel does not let the supervisor end it: who waits for that hears so at once.
void Agent::signalled(const Line& line) {
  if (line.verb() != "ERR" || line.text("code") != word(Code::kDenied)) return;
  const auto found = instances_.find(std::string(line.text("instance")));
  if (found == instances_.end() || found->second.run != line.number_or("run", 0)) return;
  Instance& instance = found->second;
  const Error error =
      fail(Code::kDenied, instance.spec.name + ": " + std::string(line.text("msg")));
  std::erase_if(instance.answers, [&](const PendingAnswer& answer) {
    if (answer.kind == PendingAnswer::Kind::kLaunch) return false;
    err(answer.id, error);
    return true;
  });
}

void Agent::supervisor_orphans(const Line& line, Now) {
  orphans_ = line.all("orphan");
  orphan_count_ = line.number_or("count", 0);
}

void Agent::supervisor_answer(const Line& line, Now now) {
  std::string_view id = line.text("id");
  if (id == kUpgrade) return upgraded(line);
  if (id == kSignal) return signalled(line);
  const bool adopts = id.starts_with(kAdopt);
  if (adopts) id.remove_prefix(kAdopt.size());
  const std::size_t slash = id.rfind('/');
  if (slash == std::string_view::npos) return;
  const auto found = instances_.find(std::string(id.substr(0, slash)));
  if (found == instances_.end()) return;
  Instance& instance = found->second;
  if (instance.run != parse_integer(id.substr(slash + 1)).value_or(0)) return;
  if (adopts) return adopted(instance, line, now);
  if (line.verb() == "ERR") {
    const Error error{code_from(line.text("code")), std::string(line.text("msg"))};
    return handle(SpawnFailed{instance.spec.name, instance.run, error}, now);
  }
  began(instance, line, now);
}

void Agent::supervisor_exited(const Line& line, Now now) {
  if (is_news(line)) take_up(line, now);
  const auto found = instances_.find(std::string(line.text("instance")));
  const std::int64_t seq = line.number_or("seq", 0);
  const bool current = found != instances_.end() && found->second.run == line.number_or("run", 0) &&
                       found->second.state != RunState::kDown &&
                       found->second.state != RunState::kBackoff;
  if (!current) {
    // Recorded by an agent that ended before it could say so.
    out_.push_back(ToSupervisor{Line("ACK").add("seq", seq)});
    return;
  }
  Instance& instance = found->second;
  seen_.insert(instance.spec.name);
  if (instance.pid == 0) instance.pid = line.number_or("pid", 0);
  if (instance.started_ms == 0) instance.started_ms = line.number_or("started_ms", 0);
  const bool was_known = instance.exited && !instance.exited->has("unknown");
  instance.exited = was_known && line.has("unknown") ? renumbered(*instance.exited, line) : line;
  const bool left = line.number_or("left", 0) > 0;
  drive(instance, left ? RunEvent::kExitedLeft : RunEvent::kExited, now);
}

void Agent::supervisor_empty(const Line& line, Now now) {
  const auto found = instances_.find(std::string(line.text("instance")));
  if (found == instances_.end() || !found->second.exited) return;
  if (found->second.run != line.number_or("run", 0)) return;
  drive(found->second, RunEvent::kEmpty, now);
}

}  // namespace dm::worker
