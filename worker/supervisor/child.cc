#include "worker/supervisor/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "worker/io/capabilities.h"

namespace dm::supervisor {

using namespace worker;

namespace {

constexpr int kReportFd = 3;  // behind the standard descriptors

// glibc's setgroups, setresgid and setresuid tell every other thread, by books that it has not kept
// for the child of a bare clone3. The system calls concern the caller alone.
#ifdef SYS_setresuid32
constexpr long kSetGroups = SYS_setgroups32, kSetGid = SYS_setresgid32, kSetUid = SYS_setresuid32;
#else
constexpr long kSetGroups = SYS_setgroups, kSetGid = SYS_setresgid, kSetUid = SYS_setresuid;
#endif

void reset_oom_score() {
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (::write(fd, "0", 1) < 0) {
  }  // best effort: lowering it may be forbidden, and the app runs all the same
  ::close(fd);
}

// By cgroups(7), section "Moving processes": 0 is the writer itself.
bool join_cgroup(int directory) {
  const int fd = ::openat(directory, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  const bool joined = fd >= 0 && ::write(fd, "0", 1) == 1;
  ::close(fd);
  return joined;
}

[[noreturn]] void give_up(ChildPlan& plan, ChildStep step) {
  const ChildFailure failure{step, errno};
  if (::write(plan.report_fd, &failure, sizeof failure) < 0) {
  }  // nobody is left to be told
  ::_exit(127);
}

}  // namespace

bool become_user(const AppUser& user) {
  drop_capability_bounds();
  return ::syscall(kSetGroups, user.groups.size(), user.groups.data()) == 0 &&
         ::syscall(kSetGid, user.gid, user.gid, user.gid) == 0 &&
         ::syscall(kSetUid, user.uid, user.uid, user.uid) == 0 && drop_capabilities();
}

void close_from(int first, const rlimit& limit) {
#ifdef SYS_close_range
  if (::syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, 0U) == 0) return;
#endif
  const rlim_t end = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
  for (rlim_t fd = static_cast<rlim_t>(first); fd < end; ++fd) ::close(static_cast<int>(fd));
}

void run_child(ChildPlan& plan) {
  // Before anything that the app could leave behind.
  if (plan.cgroup_fd >= 0 && !join_cgroup(plan.cgroup_fd)) give_up(plan, ChildStep::kCgroup);
  ::setsid();
  ::dup2(plan.log_fd, STDOUT_FILENO);
  ::dup2(plan.log_fd, STDERR_FILENO);
  if (plan.report_fd != kReportFd) plan.report_fd = ::dup3(plan.report_fd, kReportFd, O_CLOEXEC);
  close_from(kReportFd + 1, plan.open_files);
  if (plan.reset_oom_score) reset_oom_score();
  ::setrlimit(RLIMIT_NOFILE, &plan.open_files);
  if (plan.user != nullptr && !become_user(*plan.user)) give_up(plan, ChildStep::kUser);
  // Behind the change of user, which would undo it (prctl(2)).
  if (plan.dies_with != 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != plan.dies_with) ::_exit(127);
  }
  if (::chdir(plan.cwd) != 0) give_up(plan, ChildStep::kChdir);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan.exe, plan.argv, plan.envp);
  give_up(plan, ChildStep::kExec);
}

}  // namespace dm::supervisor
