// worker/supervisor/child.h - what a forked process does before it becomes the app. Only
// async-signal-safe calls, no memory is taken, nothing is decided: everything stands in the plan.
#pragma once

#include <sys/resource.h>

#include "worker/supervisor/users.h"

namespace dm::supervisor {

// The step that failed, for the sentence that the operator reads.
enum class ChildStep : int { kNone, kFork, kCgroup, kUser, kChdir, kExec };

struct ChildFailure {
  ChildStep step = ChildStep::kNone;
  int error = 0;  // errno
};

// Everything is borrowed from the parent and prepared before the fork.
struct ChildPlan {
  const char* exe = nullptr;
  const char* cwd = nullptr;
  char* const* argv = nullptr;
  char* const* envp = nullptr;
  int log_fd = -1;
  const AppUser* user = nullptr;  // null: no switching
  rlimit open_files{};            // the limit that the worker was started with
  bool reset_oom_score = false;   // false where ours is 0 already
  int dies_with = 0;              // the supervisor's pid, for who has a lease: not to outlive it
  int cgroup_fd = -1;             // a cgroup's directory, to be joined first; -1: we are in place
  int report_fd = -1;             // a pipe: a ChildFailure comes, or its end when exec succeeds
};

// Becomes that user for good, without a capability. False, with errno, if that fails: then we are
// neither.
bool become_user(const AppUser& user);
// Closes every descriptor from this one on.
void close_from(int first, const rlimit& limit);

// Becomes the app: session of its own, log, user, limits, directory, no other descriptors, empty
// mask, exec. On a failure writes a ChildFailure to report_fd and exits with 127.
// Relies on the supervisor for what is inherited anyhow: standard input from /dev/null, no ignored
// signal, umask 022.
[[noreturn]] void run_child(ChildPlan& plan);

}  // namespace dm::supervisor
