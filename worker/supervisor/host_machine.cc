#include "worker/supervisor/host_machine.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>

#include "common/io/system.h"
#include "worker/io/proc.h"

namespace dm::supervisor {

using namespace worker;

namespace {

constexpr std::size_t kMaxReaps = 1024;  // in a row, so that the dying cannot hold off the rest
constexpr std::int64_t kOomReadMs = 1000;
constexpr std::int64_t kAskMs = 500;

std::int64_t microseconds(const timeval& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000 + time.tv_usec;
}

// What every process of the app may write to: a file that only grows. Nothing else can make it
// wait, or reach somebody through it.
bool is_log(const Fd& fd) {
  struct stat info {};
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  const int flags = ::fcntl(fd.get(), F_GETFL);
  return (flags & O_APPEND) != 0 && (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_RDONLY;
}

SpawnFailure failure_of(const ChildFailure& failure, const SpawnOrder& order) {
  SpawnFailure told{SpawnFailure::Kind::kOther, failure.error, failure_words(failure, order)};
  if (failure.step == ChildStep::kCgroup) told.kind = SpawnFailure::Kind::kCgroup;
  if (failure.error == ETXTBSY) told.kind = SpawnFailure::Kind::kTextBusy;
  return told;
}

}  // namespace

HostMachine::HostMachine(Loop& loop, const Settings& settings)
    : loop_(loop),
      settings_(settings),
      spawner_(settings.open_files),
      trees_({settings.root, [this](int pid) { return may_adopt(pid); },
              [this](int pid) { return runs_->table().is_main(pid); }}) {
  if (settings_.use_cgroups) cgroups_.open(settings_.root);
}

Now HostMachine::now() const {
  return read_clock();
}

Machine::TimerId HostMachine::at(std::int64_t mono_ms, Task task) {
  return loop_.at(mono_ms, std::move(task));
}

// --- spawn ---

Result<std::string> HostMachine::user_for(const std::string& wanted) const {
  std::vector<std::string> names;
  for (const AppUser& user : settings_.app_users) names.push_back(user.name);
  return choose_user(wanted, names, settings_.can_switch);
}

const AppUser* HostMachine::find_user(const std::string& name) const {
  const auto& users = settings_.app_users;
  const auto found = std::find_if(users.begin(), users.end(),
                                  [&](const AppUser& user) { return user.name == name; });
  return found == users.end() ? nullptr : &*found;
}

Status HostMachine::check_log() const {
  if (!offered_.valid()) return fail(Code::kBadArg, "one descriptor must come with it, the log");
  if (!is_log(offered_))
    return fail(Code::kBadArg, "the log must be a regular file open for appending");
  return {};
}

void HostMachine::forget_report(Child& child) {
  if (child.report.valid()) loop_.unwatch(child.report.get());
  child.report.reset();
}

void HostMachine::drop_log(const RunKey& key) {
  const auto found = children_.find(key);
  if (found == children_.end()) return;
  forget_report(found->second);
  children_.erase(found);
}

ForkResult HostMachine::fork(const SpawnOrder& order, const std::string& user,
                             const std::string& cgroup) {
  Child& child = children_[order.key];
  auto forked = spawner_.try_once(order, child.log.get(), find_user(user), cgroup);
  ForkResult result;
  result.in_cgroup = forked.in_cgroup;
  if (forked.pid > 0) {
    result.pid = forked.pid;
    const auto stat = read_stat(forked.pid);
    result.start = stat ? stat->start : 0;
  }
  if (forked.failure.step != ChildStep::kNone) {
    result.failure = failure_of(forked.failure, order);
    return result;
  }
  child.report = std::move(forked.report);
  child.order = order;
  loop_.watch(child.report.get(), true, false,
              [this, key = order.key](Ready) { read_outcome(key); });
  ask_reports();
  return result;
}

// Where the kernel has refused to watch a pipe (epoll_ctl(2): ENOMEM, ENOSPC), its report is found
// all the same.
void HostMachine::ask_reports() {
  if (will_ask_ || children_.empty()) return;
  will_ask_ = true;
  loop_.at(loop_.now().mono_ms + kAskMs, [this] {
    will_ask_ = false;
    std::vector<RunKey> waiting;
    for (const auto& [key, child] : children_)
      if (child.report.valid()) waiting.push_back(key);
    for (const RunKey& key : waiting) read_outcome(key);
    ask_reports();
  });
}

void HostMachine::read_outcome(const RunKey& asked) {
  const RunKey key = asked;
  const auto found = children_.find(key);
  if (found == children_.end() || !found->second.report.valid()) return;
  ChildFailure failure;
  if (!Spawner::read_report(found->second.report, failure)) return;
  forget_report(found->second);
  if (failure.step == ChildStep::kNone) return runs_->resolve(key, std::nullopt);
  runs_->resolve(key, failure_of(failure, found->second.order));
}

// --- ends ---

void HostMachine::release_cgroup(const std::string& path, bool killed) {
  cgroups_.release(path, loop_.now().mono_ms, killed);
}

bool HostMachine::sweep_cgroups() {
  cgroups_.sweep(loop_.now().mono_ms);
  return cgroups_.has_idle();
}

void HostMachine::reap() {
  int status = 0;
  rusage used{};
  std::vector<std::pair<int, ExitFacts>> ended;
  while (ended.size() < kMaxReaps) {
    const pid_t pid = retry([&] { return ::wait4(-1, &status, WNOHANG, &used); });
    if (pid <= 0) break;
    ExitFacts facts;
    facts.status = status;
    facts.user_us = microseconds(used.ru_utime);
    facts.system_us = microseconds(used.ru_stime);
    facts.max_rss_bytes = static_cast<std::int64_t>(used.ru_maxrss) * 1024;
    ended.emplace_back(pid, std::move(facts));
  }
  if (ended.empty()) return;
  // What they have left are our children now.
  trees_.look_at_orphans(runs_->table());
  for (auto& [pid, facts] : ended) runs_->reaped(pid, std::move(facts));
  if (ended.size() == kMaxReaps) loop_.later([this] { reap(); });
  runs_->reaped_all();
}

// As long as we have not reaped the main process its number is nobody else's, neither as a process
// nor as a group. Before its setsid() there is no such group.
Reached HostMachine::signal_group(const Run& run, int signal) {
  if (run.is_adopted) return trees_.signal_group(run, signal);
  if (::kill(-run.pid, signal) == 0) return Reached::kSome;
  const bool is_denied = errno == EPERM;
  if (::kill(run.pid, signal) == 0) return Reached::kSome;
  return is_denied || errno == EPERM ? Reached::kDenied : Reached::kNobody;
}

std::vector<std::string> HostMachine::living(const Run& run) {
  std::vector<std::string> names;
  for (const ProcStat& process : trees_.members(run))
    names.push_back(std::to_string(process.pid) + ":" + process.comm);
  return names;
}

// Reading the counter costs as much as a tenth of a spawn.
std::int64_t HostMachine::oom_kills(bool fresh) {
  const std::int64_t now_ms = loop_.now().mono_ms;
  if (fresh || oom_read_ms_ < 0 || now_ms - oom_read_ms_ >= kOomReadMs) {
    oom_kills_ = oom_kill_count();
    oom_read_ms_ = now_ms;
  }
  return oom_kills_;
}

ChildrenUsage HostMachine::children_usage() {
  rusage used{};
  ::getrusage(RUSAGE_CHILDREN, &used);
  return {microseconds(used.ru_utime) / 1000, microseconds(used.ru_stime) / 1000,
          static_cast<std::int64_t>(used.ru_maxrss) * 1024};
}

}  // namespace dm::supervisor
