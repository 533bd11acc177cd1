#include "worker/supervisor/birth.h"

#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "common/io/failpoint.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DM_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define DM_SANITIZED 1
#endif
#endif
#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__)) && !defined(DM_SANITIZED)
#define DM_SHARED_CLONE 1
#endif

namespace dm {
namespace {

#ifdef SYS_clone3

// struct clone_args of clone(2), up to the field that came with Linux 5.7; <linux/sched.h> and
// <sched.h> cannot both be included everywhere.
struct CloneArgs {
  std::uint64_t flags, pidfd, child_tid, parent_tid, exit_signal;
  std::uint64_t stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
constexpr std::uint64_t kIntoCgroup = 0x200000000ULL;  // CLONE_INTO_CGROUP

CloneArgs arguments(int cgroup_fd) {
  CloneArgs args{};
  args.flags = kIntoCgroup;
  args.exit_signal = SIGCHLD;
  args.cgroup = static_cast<std::uint64_t>(cgroup_fd);
  return args;
}

int clone_copied(ChildPlan& plan, int cgroup_fd) {
  CloneArgs args = arguments(cgroup_fd);
  const long pid = ::syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) run_child(plan);
  return static_cast<int>(pid);
}

#ifdef DM_SHARED_CLONE
// The child goes on upon this very stack frame while the parent waits, so the call must stand here
// in the open: a function around it would return in the child and leave the parent a ruined frame.
[[gnu::noinline]] int clone_shared(ChildPlan& plan, int cgroup_fd) {
  CloneArgs args = arguments(cgroup_fd);
  args.flags |= CLONE_VM | CLONE_VFORK;
#ifdef __x86_64__
  long pid;
  asm volatile("syscall"
               : "=a"(pid)
               : "a"(SYS_clone3), "D"(&args), "S"(sizeof args)
               : "rcx", "r11", "memory");
#else
  register long pid asm("x0") = reinterpret_cast<long>(&args);
  register long size asm("x1") = static_cast<long>(sizeof args);
  register long number asm("x8") = SYS_clone3;
  asm volatile("svc 0" : "+r"(pid) : "r"(size), "r"(number) : "memory");
#endif
  if (pid == 0) run_child(plan);
  if (pid >= 0) return static_cast<int>(pid);
  errno = static_cast<int>(-pid);
  return -1;
}
#else
int clone_shared(ChildPlan& plan, int cgroup_fd) {
  return clone_copied(plan, cgroup_fd);
}
#endif

#else

int clone_copied(ChildPlan&, int) {
  errno = ENOSYS;
  return -1;
}
int clone_shared(ChildPlan&, int) {
  errno = ENOSYS;
  return -1;
}

#endif

int fork_copied(ChildPlan& plan) {
  const pid_t pid = ::fork();
  if (pid == 0) run_child(plan);
  return pid;
}

[[gnu::noinline]] int fork_shared(ChildPlan& plan) {
  const pid_t pid = ::vfork();
  if (pid == 0) run_child(plan);
  return pid;
}

}  // namespace

ChildMemory quickest_memory() {
#ifdef DM_SHARED_CLONE
  return ChildMemory::kShared;
#else
  return ChildMemory::kCopied;
#endif
}

int give_birth(ChildPlan& plan, ChildMemory memory, int cgroup_fd) {
  if (fails_at("spawn.fork")) return -1;
  if (cgroup_fd >= 0) {
    const int pid = memory == ChildMemory::kShared ? clone_shared(plan, cgroup_fd)
                                                   : clone_copied(plan, cgroup_fd);
    if (pid >= 0 || (errno != ENOSYS && errno != EINVAL && errno != E2BIG)) return pid;
  }
  plan.cgroup_fd = cgroup_fd;
  return memory == ChildMemory::kShared ? fork_shared(plan) : fork_copied(plan);
}

}  // namespace dm
