// worker/supervisor/app_fork.h - makes a process, in a cgroup from its first moment where wanted.
// Decides nothing about what the process does.
//
// A fork(2), not a vfork(2): the supervisor is so small that copying its page tables is nothing,
// while waiting for each exec would leave every other processor idle during a burst of launches.
#pragma once

#include "worker/supervisor/child.h"

namespace dm::supervisor {

// Runs run_child(plan) in a new child and does not wait for it. `cgroup_fd` is a cgroup's open
// directory, or -1. Returns the pid, or -1 with errno. Where there is no clone3 with
// CLONE_INTO_CGROUP (Linux 5.7; systemd's RestrictNamespaces= takes it away), the child joins the
// cgroup itself, first of all.
int fork_app(ChildPlan& plan, int cgroup_fd);

}  // namespace dm::supervisor
