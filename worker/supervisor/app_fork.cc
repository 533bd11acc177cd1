#include "worker/supervisor/app_fork.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "common/io/failpoint.h"

namespace dm::supervisor {
namespace {

#ifdef SYS_clone3

// struct clone_args of clone(2), up to the field that came with Linux 5.7; <linux/sched.h> and
// <sched.h> cannot both be included everywhere.
struct CloneArgs {
  std::uint64_t flags, pidfd, child_tid, parent_tid, exit_signal;
  std::uint64_t stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
constexpr std::uint64_t kIntoCgroup = 0x200000000ULL;  // CLONE_INTO_CGROUP

int clone_into(int cgroup_fd, ChildPlan& plan) {
  CloneArgs args{};
  args.flags = kIntoCgroup;
  args.exit_signal = SIGCHLD;
  args.cgroup = static_cast<std::uint64_t>(cgroup_fd);
  const long pid = ::syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) run_child(plan);
  return static_cast<int>(pid);
}

#else

int clone_into(int, ChildPlan&) {
  errno = ENOSYS;
  return -1;
}

#endif

}  // namespace

int fork_app(ChildPlan& plan, int cgroup_fd) {
  if (fails_at("spawn.fork")) return -1;
  if (cgroup_fd >= 0) {
    const int pid = clone_into(cgroup_fd, plan);
    if (pid >= 0 || (errno != ENOSYS && errno != EINVAL && errno != E2BIG)) return pid;
  }
  plan.cgroup_fd = cgroup_fd;
  const pid_t pid = ::fork();
  if (pid == 0) run_child(plan);
  return pid;
}

}  // namespace dm::supervisor
