// worker/core/process_owners.h - which run each process of the machine belongs to, for all runs in
// one pass. For figures: process_tree.h has the exact rule, for one run at a time. Pure: it is
// given the list of processes and never looks for them.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "worker/core/proc_stat.h"

namespace dm::worker {

// The main process of a run, by its number and start time.
struct RunRoot {
  std::string instance;
  int pid = 0;
  std::uint64_t start = 0;
};

// The instance that an orphan is marked with in its environment; empty if it is not.
using ReadMark = std::function<std::string(const ProcStat&)>;

// For each process the place in `roots` of the run that it belongs to, nullopt if it is of none:
// by the main process's session or group, by its mark if it is a child of `reaper`, else the run
// of its parent.
std::vector<std::optional<std::size_t>> owners_of(const std::vector<ProcStat>& processes,
                                                  const std::vector<RunRoot>& roots, int reaper,
                                                  const ReadMark& read_mark);

}  // namespace dm::worker
