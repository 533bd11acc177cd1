#include "worker/supervisor/spawner.h"

#include <fcntl.h>
#include <unistd.h>

#include <vector>

#include "common/io/system.h"
#include "worker/io/proc.h"
#include "worker/supervisor/cgroups.h"

namespace dm::supervisor {

using namespace worker;

namespace {

// The array that execve wants. It borrows the strings.
std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> array;
  array.reserve(strings.size() + 1);
  for (const std::string& string : strings) array.push_back(const_cast<char*>(string.c_str()));
  array.push_back(nullptr);
  return array;
}

bool own_oom_score_is_zero() {
  return read_small_file("/proc/self/oom_score_adj").value_or("0\n") == "0\n";
}

// The kernel has no such call, or the cgroup is not for us after all: the child can do without.
bool is_cgroup_trouble(int error) {
  return error == ENOSYS || error == EINVAL || error == E2BIG || error == EACCES ||
         error == EPERM || error == EOPNOTSUPP || error == EBUSY || error == ENODEV;
}

}  // namespace

Spawner::Spawner(const rlimit& open_files)
    : open_files_(open_files), reset_oom_score_(!own_oom_score_is_zero()) {}

Spawner::AppFork Spawner::try_once(const SpawnOrder& order, int log_fd, const AppUser* user,
                                   const std::string& cgroup) const {
  const std::vector<char*> argv = pointers(order.args), envp = pointers(order.env);
  ChildPlan plan;
  plan.exe = order.exe.c_str();
  plan.cwd = order.cwd.c_str();
  plan.argv = argv.data();
  plan.envp = envp.data();
  plan.log_fd = log_fd;
  plan.user = user;
  plan.open_files = open_files_;
  plan.reset_oom_score = reset_oom_score_;
  if (order.lease_until_ms > 0) plan.dies_with = ::getpid();

  AppFork child;
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    child.failure = {ChildStep::kFork, errno};
    return child;
  }
  child.report.reset(ends[0]);
  const Fd report_write(ends[1]);
  plan.report_fd = report_write.get();
  const Fd directory = cgroup.empty() ? Fd() : Cgroups::open_directory(cgroup);
  child.in_cgroup = directory.valid();
  child.pid = fork_app(plan, directory.get());
  if (child.pid < 0 && child.in_cgroup && is_cgroup_trouble(errno)) {
    child.in_cgroup = false;
    child.pid = fork_app(plan, -1);
  }
  if (child.pid < 0) child.failure = {ChildStep::kFork, errno};
  return child;
}

bool Spawner::read_report(const Fd& report, ChildFailure& failure) {
  ChildFailure read;
  const ssize_t got = retry([&] { return ::read(report.get(), &read, sizeof read); });
  if (got < 0 && errno == EAGAIN) return false;
  failure = got == sizeof read ? read : ChildFailure{};
  return true;
}

std::string failure_words(const ChildFailure& failure, const SpawnOrder& order) {
  const std::string words = errno_words(failure.error);
  switch (failure.step) {
    case ChildStep::kFork: return "fork: " + words;
    case ChildStep::kCgroup: return "join its cgroup: " + words;
    case ChildStep::kUser: return "change user: " + words;
    case ChildStep::kChdir: return "chdir " + order.cwd + ": " + words;
    case ChildStep::kExec:
    case ChildStep::kNone: break;
  }
  return words;
}

}  // namespace dm::supervisor
