#include "worker/supervisor/runs.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>

#include "common/io/system.h"
#include "worker/io/proc.h"

namespace dm::supervisor {

using namespace worker;

namespace {

constexpr int kMaxTries = 10;  // while the file is open for writing somewhere
constexpr std::int64_t kRetryMs = 5;

std::vector<std::string> names_of(const std::vector<AppUser>& users) {
  std::vector<std::string> names;
  for (const AppUser& user : users) names.push_back(user.name);
  return names;
}

// What every process of the app may write to: a file that only grows. Nothing else can make it
// wait, or reach somebody through it.
bool is_log(const Fd& fd) {
  struct stat info {};
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  const int flags = ::fcntl(fd.get(), F_GETFL);
  return (flags & O_APPEND) != 0 && (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_RDONLY;
}

}  // namespace

Runs::Runs(Loop& loop, const Settings& settings, Outlet outlet)
    : loop_(loop),
      settings_(settings),
      outlet_(std::move(outlet)),
      spawner_(settings.open_files),
      trees_(loop, table_, {settings.root, [this](int pid) { return may_adopt(pid); }},
             [this] { check_draining(); }),
      user_names_(names_of(settings.app_users)) {
  if (settings_.use_cgroups) cgroups_.open(settings_.root);
}

// --- spawn ---

void Runs::refuse(const Asker& asker, Error error, int error_number) {
  Line line("ERR");
  line.add("id", asker.id).add("code", word(error.code));
  if (error_number != 0) line.add("errno", error_number);
  outlet_.answer(asker, line.add("msg", error.message));
}

// Two runs of an instance never live together, whatever the agent has forgotten.
Error Runs::still_lives(const RunKey& key) const {
  const Run* run = table_.living(key);
  return fail(Code::kExists, "run " + std::to_string(run->key.run) + " of " + key.instance +
                                 " lives (pid " + std::to_string(run->pid) + ")");
}

void Runs::spawn(const Asker& asker, const Line& line, Fd log) {
  auto order = parse_spawn_order(line);
  if (!order) return refuse(asker, order.error());
  if (!log.valid())
    return refuse(asker, fail(Code::kBadArg, "one descriptor must come with it, the log"));
  if (!is_log(log))
    return refuse(asker, fail(Code::kBadArg, "the log must be a regular file open for appending"));
  const std::string& instance = order->key.instance;
  switch (table_.judge(order->key)) {
    case SpawnVerdict::kSpawn:
      if (stopping_) return refuse(asker, fail(Code::kBusy, "the supervisor is stopping"));
      if (order->lease_until_ms > 0 && order->lease_until_ms <= loop_.now().mono_ms)
        return refuse(asker, fail(Code::kBusy, "its lease is over"));
      return begin(asker, std::move(*order), std::move(log));
    case SpawnVerdict::kWait: table_.find(order->key)->waiting.push_back(asker); return;
    case SpawnVerdict::kAnswer:
      outlet_.answer(asker, spawn_answer(asker.id, *table_.find(order->key)));
      return;
    case SpawnVerdict::kExists:
      return refuse(asker, fail(Code::kExists, "a later run of " + instance + " is known"));
    case SpawnVerdict::kLives: return refuse(asker, still_lives(order->key));
    case SpawnVerdict::kFull: return refuse(asker, fail(Code::kBusy, "too many runs"));
  }
}

void Runs::begin(const Asker& asker, SpawnOrder order, Fd log) {
  const auto name = choose_user(order.user, user_names_, settings_.can_switch);
  if (!name) return refuse(asker, name.error());
  const auto& users = settings_.app_users;
  const auto user = std::find_if(users.begin(), users.end(),
                                 [&](const AppUser& each) { return each.name == *name; });
  Run& run = table_.begin(order.key, read_clock().wall_ms);
  run.waiting.push_back(asker);
  run.oom_kills_before = oom_kills(false);
  run.lease_until_ms = order.lease_until_ms;
  if (run.lease_until_ms > 0) watch_leases();
  Starting starting;
  starting.user = user == users.end() ? nullptr : &*user;
  starting.cgroup = cgroups_.acquire(order.key);
  starting.log = std::move(log);
  starting.order = std::move(order);
  const RunKey key = run.key;
  starting_.emplace(key, std::move(starting));
  attempt(key);
}

void Runs::attempt(const RunKey& key) {
  Starting& starting = starting_.at(key);
  Run& run = *table_.find(key);
  if (stopping_) return fail_spawn(key, fail(Code::kBusy, "the supervisor is stopping"), 0);
  ++starting.tries;
  auto child =
      spawner_.try_once(starting.order, starting.log.get(), starting.user, starting.cgroup);
  if (!child.in_cgroup && !starting.cgroup.empty()) {
    cgroups_.release(starting.cgroup, loop_.now().mono_ms, run.cgroup_killed);
    starting.cgroup.clear();
  }
  run.cgroup = starting.cgroup;
  if (child.pid > 0) {
    const auto stat = read_stat(child.pid);
    table_.set_process(run, child.pid, stat ? stat->start : 0);
  }
  if (child.failure.step != ChildStep::kNone) return resolve(key, child.failure);
  starting.report = std::move(child.report);
  loop_.watch(starting.report.get(), true, false, [this, key](Ready) { on_report(key); });
}

void Runs::on_report(const RunKey& key) {
  const auto found = starting_.find(key);
  if (found == starting_.end()) return;
  ChildFailure failure;
  if (!Spawner::read_report(found->second.report, failure)) return;
  loop_.unwatch(found->second.report.get());
  found->second.report.reset();
  resolve(RunKey(key), failure);
}

void Runs::resolve(const RunKey& key, const ChildFailure& failure) {
  if (failure.step == ChildStep::kNone) return succeed(*table_.find(key));
  Starting& starting = starting_.at(key);
  Run& run = *table_.find(key);
  if (run.pid > 0) failed_.insert(run.pid);
  table_.set_process(run, 0, 0);
  // A cgroup that is not for us after all: the run can do without.
  if (failure.step == ChildStep::kCgroup && !starting.cgroup.empty()) {
    cgroups_.release(starting.cgroup, loop_.now().mono_ms, run.cgroup_killed);
    starting.cgroup.clear();
    return attempt(key);
  }
  // Any process may hold a file open for writing for a moment, a forked child of anybody included.
  if (failure.error == ETXTBSY && starting.tries < kMaxTries) {
    loop_.at(read_clock().mono_ms + kRetryMs, [this, key] { attempt(key); });
    return;
  }
  fail_spawn(key, fail(Code::kExecFailed, failure_words(failure, starting.order)), failure.error);
}

void Runs::fail_spawn(const RunKey& key, const Error& error, int error_number) {
  const Run& run = *table_.find(key);
  for (const Asker& asker : run.waiting) refuse(asker, error, error_number);
  const std::string cgroup = starting_.at(key).cgroup;
  if (!cgroup.empty()) cgroups_.release(cgroup, loop_.now().mono_ms, run.cgroup_killed);
  starting_.erase(key);
  trees_.spare(run.key);
  table_.abandon(run);
  watch_over();
  outlet_.quiet();
}

void Runs::succeed(Run& run) {
  table_.started(run);
  starting_.erase(run.key);
  bool heard = false;
  for (const Asker& asker : run.waiting)
    heard = outlet_.answer(asker, spawn_answer(asker.id, run)) || heard;
  run.waiting = {};
  // The agent that asked is gone; its successor may have been greeted without this run.
  if (!heard) outlet_.announce(run_line(run));
}

// --- signal ---

void Runs::signal(const Asker& asker, const Line& line) {
  const auto key = parse_run_key(line);
  const std::int64_t number = line.number_or("signal", 0);
  const std::string_view to = line.text("to");
  if (!key) return refuse(asker, key.error());
  if (number < 1 || number >= NSIG) return refuse(asker, fail(Code::kBadArg, "no such signal"));
  if (to != "group" && to != "tree")
    return refuse(asker, fail(Code::kBadArg, "to= must be group or tree"));
  reap();
  const Run* run = table_.find(*key);
  const int wanted = static_cast<int>(number);
  bool reached = false;
  if (run == nullptr || run->phase == RunPhase::kEnded) {
    reached = false;
  } else if (to == "group") {
    reached = signal_group(*run, wanted);
  } else if (wanted == SIGKILL) {
    trees_.kill(*run);
    reached = true;
  } else {
    reached = trees_.signal(*run, wanted) > 0;
  }
  if (!reached) return refuse(asker, fail(Code::kNotFound, "nothing of that run lives"));
  outlet_.answer(asker, Line("OK").add("id", asker.id));
}

// As long as we have not reaped the main process its number is nobody else's, neither as a process
// nor as a group. Before its setsid() there is no such group.
bool Runs::signal_group(const Run& run, int signal) const {
  if (!run.lives() || run.pid == 0) return false;
  if (run.is_adopted) return trees_.signal_group(run, signal) > 0;
  return ::kill(-run.pid, signal) == 0 || ::kill(run.pid, signal) == 0;
}

void Runs::interrupt_all() {
  stopping_ = true;
  for (const auto& [key, run] : table_.runs()) {
    if (run.lives()) signal_group(run, SIGINT);
    if (run.phase == RunPhase::kDraining) trees_.signal(run, SIGTERM);
  }
}

void Runs::kill_all() {
  stopping_ = true;
  for (const auto& [key, run] : table_.runs())
    if (run.phase != RunPhase::kEnded) trees_.kill(run);
}

void Runs::report(const std::function<void(const Line&)>& send) const {
  for (const auto& [key, run] : table_.runs())
    if (run.phase == RunPhase::kLiving) send(run_line(run));
  // An acknowledged one is told again while its tree drains: the agent must know to wait.
  for (const auto& [key, run] : table_.runs())
    if (run.has_exited()) send(exited_line(run));
  for (const auto& [key, run] : table_.runs())
    if (run.phase == RunPhase::kEnded && run.exit.left > 0) send(empty_line(run));
}

}  // namespace dm::supervisor
