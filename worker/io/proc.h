// worker/io/proc.h - reads /proc and cgroup files. Changes nothing but by signal_process(), and
// decides nothing. Every answer is of the moment: the process may be gone when it arrives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/io/fd.h"
#include "worker/core/proc_stat.h"

namespace dm::worker {

// The whole content of a small file, up to `most` bytes; nullopt if it cannot be read.
std::optional<std::string> read_small_file(const std::string& path, std::size_t most = 65536);

// /proc/PID/stat; nullopt if there is no such process. A zombie has one until it is reaped.
std::optional<ProcStat> read_stat(int pid);
// Every process that /proc shows, in no order.
std::vector<ProcStat> all_processes();
// The children of a process's first thread, zombies included, which are all the children of a
// process that has only one; nullopt where the kernel does not tell (CONFIG_PROC_CHILDREN) or the
// process is gone.
std::optional<std::vector<int>> children_of(int pid);

// DM_INSTANCE and DM_RUN in the environment that a process was started with.
struct ProcMark {
  std::string instance;
  std::int64_t run = 0;
  std::string library_path;  // LD_LIBRARY_PATH; an app's begins in its worker's root directory
};
// nullopt if it has no such mark, is gone, may not be read, or is in the middle of an exec.
std::optional<ProcMark> read_environ_mark(int pid);
// True for a process in the middle of an exec: it has neither command line nor environment to show
// for a moment, so that nobody can tell whose it is. An empty environment alone is no such sign.
bool is_in_exec(int pid);

// The real user of a process; nullopt if it is gone.
std::optional<unsigned> process_uid(int pid);

// /proc/sys/kernel/random/boot_id: another one after each boot. Empty if it cannot be read.
std::string boot_id();
// What tells the file that this process executes from any other; empty if it cannot be told.
std::string own_build();
// Clock ticks per second, and bytes per page.
long clock_ticks();
long page_size();
// Processes that the kernel has killed for want of memory since boot (/proc/vmstat, oom_kill); 0
// where it does not count them.
std::int64_t oom_kill_count();

// Every process in a cgroup and in the cgroups below it; empty if there is none or no such cgroup.
std::vector<int> read_cgroup_procs(const std::string& directory);
// Whether a cgroup or one below it holds a process; nullopt if there is no such cgroup.
std::optional<bool> cgroup_populated(const std::string& directory);
// cpu.stat: time used by all that ever ran in the cgroup; nullopt if there is no such cgroup.
struct CgroupUsage {
  std::int64_t user_us = 0;
  std::int64_t system_us = 0;
};
std::optional<CgroupUsage> read_cgroup_usage(const std::string& directory);

// pidfd_open(2): readable when the process has ended. Invalid where there is none to be had, with
// errno. Whose process it is must be looked at afterwards.
Fd open_process(int pid);

// Sends a signal to the process that has this pid and this start time and to no other: a recycled
// pid is never hit (pidfd_open(2); where there is none a check just before the signal remains).
// False if it is gone.
bool signal_process(int pid, std::uint64_t start, int signal);

}  // namespace dm::worker
