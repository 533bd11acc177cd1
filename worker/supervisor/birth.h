// worker/supervisor/birth.h - makes a process, in a cgroup from its first moment where wanted.
// Decides nothing about what the process does.
#pragma once

#include "worker/supervisor/child.h"

namespace dm {

// kShared: as vfork(2), the parent waits until the child has become the app or exited; nothing is
// copied, and plan.failure tells the outcome when the call returns. kCopied: as fork(2); the parent
// goes on at once, and the child reports through plan.report_fd.
enum class ChildMemory { kShared, kCopied };

// What this build and machine can do: kShared needs a few lines for the processor, and is not for
// sanitizers, which keep books about memory that the child would leave in disorder.
ChildMemory quickest_memory();

// Runs run_child(plan) in a new child. `cgroup_fd` is a cgroup's open directory, or -1. Returns
// the pid, or -1 with errno. Where there is no clone3 with CLONE_INTO_CGROUP (Linux 5.7; systemd's
// RestrictNamespaces= takes it away), the child joins the cgroup itself, first of all.
int give_birth(ChildPlan& plan, ChildMemory memory, int cgroup_fd);

}  // namespace dm
