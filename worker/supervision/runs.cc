#include "worker/supervision/runs.h"

#include <algorithm>

#include "common/signals.h"

namespace dm::supervisor {
namespace {

constexpr int kMaxTries = 10;  // while the file is open for writing somewhere
constexpr std::int64_t kRetryMs = 5;

}  // namespace

// --- spawn ---

void Runs::refuse(const Asker& asker, const Error& error, int error_number) {
  Line line("ERR");
  line.add("id", asker.id).add("code", word(error.code));
  if (error_number != 0) line.add("errno", error_number);
  lines_.answer(asker, line.add("msg", error.message));
}

// Two runs of an instance never live together, whatever the agent has forgotten.
bool Runs::answer_known(const Asker& asker, const RunKey& key) {
  const std::string& instance = key.instance;
  switch (table_.judge(key)) {
    case SpawnVerdict::kSpawn: return false;
    case SpawnVerdict::kWait: table_.find(key)->waiting.push_back(asker); break;
    case SpawnVerdict::kAnswer:
      lines_.answer(asker, spawn_answer(asker.id, *table_.find(key)));
      break;
    case SpawnVerdict::kExists:
      refuse(asker, fail(Code::kExists, "a later run of " + instance + " is known"));
      break;
    case SpawnVerdict::kLives: {
      const Run& run = *table_.living(key);
      refuse(asker, fail(Code::kExists, "run " + std::to_string(run.key.run) + " of " + instance +
                                            " lives (pid " + std::to_string(run.pid) + ")"));
      break;
    }
    case SpawnVerdict::kFull: refuse(asker, fail(Code::kBusy, "too many runs")); break;
  }
  return true;
}

void Runs::spawn(const Asker& asker, const Line& line) {
  auto order = parse_spawn_order(line);
  if (!order) return refuse(asker, order.error());
  if (const auto log = machine_.check_log(); !log) return refuse(asker, log.error());
  if (answer_known(asker, order->key)) return;
  if (stopping_) return refuse(asker, fail(Code::kBusy, "the supervisor is stopping"));
  if (order->lease_until_ms > 0 && order->lease_until_ms <= machine_.now().mono_ms)
    return refuse(asker, fail(Code::kBusy, "its lease is over"));
  begin(asker, std::move(*order));
}

void Runs::begin(const Asker& asker, SpawnOrder order) {
  const auto user = machine_.user_for(order.user);
  if (!user) return refuse(asker, user.error());
  Run& run = table_.begin(order.key, machine_.now().wall_ms);
  run.waiting.push_back(asker);
  run.oom_kills_before = machine_.oom_kills(false);
  run.lease_until_ms = order.lease_until_ms;
  if (run.lease_until_ms > 0) watch_leases();
  const RunKey key = run.key;
  machine_.keep_log(key);
  starting_.emplace(key, Starting{std::move(order), *user, machine_.acquire_cgroup(key), 0});
  attempt(key);
}

void Runs::release_cgroup(Starting& starting, const Run& run) {
  if (!starting.cgroup.empty()) machine_.release_cgroup(starting.cgroup, run.cgroup_killed);
  starting.cgroup.clear();
}

void Runs::attempt(const RunKey& key) {
  Starting& starting = starting_.at(key);
  Run& run = *table_.find(key);
  if (stopping_) return fail_spawn(key, fail(Code::kBusy, "the supervisor is stopping"), 0);
  ++starting.tries;
  const ForkResult child = machine_.fork(starting.order, starting.user, starting.cgroup);
  if (!child.in_cgroup) release_cgroup(starting, run);
  run.cgroup = starting.cgroup;
  if (child.pid > 0) table_.set_process(run, child.pid, child.start);
  if (child.failure) resolve(key, child.failure);
}

void Runs::resolve(const RunKey& resolved, const std::optional<SpawnFailure>& failure) {
  const RunKey key = resolved;
  const auto found = starting_.find(key);
  if (found == starting_.end()) return;
  Run& run = *table_.find(key);
  if (!failure) return succeed(run);
  Starting& starting = found->second;
  if (run.pid > 0) failed_.insert(run.pid);
  table_.set_process(run, 0, 0);
  if (failure->kind == SpawnFailure::Kind::kCgroup && !starting.cgroup.empty()) {
    release_cgroup(starting, run);
    return attempt(key);
  }
  // Any process may hold a file open for writing for a moment, a forked child of anybody included.
  if (failure->kind == SpawnFailure::Kind::kTextBusy && starting.tries < kMaxTries) {
    machine_.at(machine_.now().mono_ms + kRetryMs, [this, key] { attempt(key); });
    return;
  }
  fail_spawn(key, fail(Code::kExecFailed, failure->words), failure->error_number);
}

void Runs::fail_spawn(const RunKey& key, const Error& error, int error_number) {
  const Run& run = *table_.find(key);
  for (const Asker& asker : run.waiting) refuse(asker, error, error_number);
  release_cgroup(starting_.at(key), run);
  starting_.erase(key);
  machine_.drop_log(key);
  // The next run of that name is another.
  being_killed_.erase(key);
  denied_.erase(key);
  table_.abandon(run);
  watch_over();
  lines_.quiet();
}

void Runs::succeed(Run& run) {
  table_.started(run);
  starting_.erase(run.key);
  machine_.drop_log(run.key);
  look_again();
  bool heard = false;
  for (const Asker& asker : run.waiting)
    heard = lines_.answer(asker, spawn_answer(asker.id, run)) || heard;
  run.waiting = {};
  // The agent that asked is gone; its successor may have been greeted without this run.
  if (!heard) lines_.announce(run_line(run));
}

// --- signal ---

void Runs::signal(const Asker& asker, const Line& line) {
  const auto key = parse_run_key(line);
  const std::int64_t number = line.number_or("signal", 0);
  const std::string_view to = line.text("to");
  if (!key) return refuse(asker, key.error());
  if (number < 1 || number > kMaxSignal)
    return refuse(asker, fail(Code::kBadArg, "no such signal"));
  if (to != "group" && to != "tree")
    return refuse(asker, fail(Code::kBadArg, "to= must be group or tree"));
  machine_.reap();
  const Run* run = table_.find(*key);
  const int wanted = static_cast<int>(number);
  const bool lives = run != nullptr && run->phase != RunPhase::kEnded;
  switch (lives ? deliver(*run, wanted, to == "tree") : Reached::kNobody) {
    case Reached::kNobody: return refuse(asker, fail(Code::kNotFound, "nothing of that run lives"));
    case Reached::kDenied: refuse_denied(asker, *run); return;
    case Reached::kSome: lines_.answer(asker, Line("OK").add("id", asker.id));
  }
}

void Runs::refuse_denied(const Asker& asker, const Run& run) {
  Line line("ERR");
  line.add("id", asker.id).add("code", word(Code::kDenied));
  line.add("instance", run.key.instance).add("run", run.key.run);
  lines_.answer(asker, line.add("msg", "not permitted: a process of it runs as another user (pid " +
                                           std::to_string(run.pid) + ")"));
}

Reached Runs::deliver(const Run& run, int signal, bool to_tree) {
  if (to_tree && signal == kSigkill) return kill(run);
  const bool has_group = run.lives() && run.pid != 0;
  if (!to_tree && !has_group) return Reached::kNobody;
  const bool asks_to_end = signal == kSigint || signal == kSigterm;
  if (asks_to_end) look_before_signal();
  const auto send = [&](int number) {
    return to_tree ? machine_.signal_tree(run, number) : machine_.signal_group(run, number);
  };
  const Reached reached = send(signal);
  // Who is stopped takes it only when it goes on.
  if (asks_to_end && reached != Reached::kNobody) send(kSigcont);
  return reached;
}

void Runs::interrupt_all() {
  stopping_ = true;
  for (const auto& [key, run] : table_.runs()) {
    if (run.lives()) deliver(run, kSigint, false);
    if (run.phase == RunPhase::kDraining) deliver(run, kSigterm, true);
  }
}

void Runs::kill_all() {
  stopping_ = true;
  for (const auto& [key, run] : table_.runs())
    if (run.phase != RunPhase::kEnded) kill(run);
}

void Runs::report(const std::function<void(const Line&)>& send) const {
  for (const auto& [key, run] : table_.runs())
    if (run.phase == RunPhase::kLiving) send(run_line(run));
  // An acknowledged one is told again while its tree drains: the agent must know to wait.
  for (const auto& [key, run] : table_.runs())
    if (run.has_exited()) send(exited_line(run));
  for (const auto& [key, run] : table_.runs())
    if (run.phase == RunPhase::kEnded && run.exit.left > 0) send(empty_line(run));
  if (!orphans_.empty()) send(orphans_line(orphans_));
}

}  // namespace dm::supervisor
