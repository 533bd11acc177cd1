// worker/core/process_tree.h - which processes belong to a run where there is no cgroup to tell.
// Pure: it is given the list of processes and never looks for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "worker/core/proc_stat.h"

namespace dm::worker {

// The main process of a run: the leader of a session and of a group of its own, and a child of
// the reaper, which inherits every orphan below itself (prctl(2), PR_SET_CHILD_SUBREAPER).
struct TreeRoot {
  int pid = 0;
  std::uint64_t start = 0;
  int reaper = 0;
  // It is another reaper's child, who is gone: nobody inherits its orphans for us, so the mark is
  // asked of every process, and membership needs no descent from `reaper`.
  bool is_adopted = false;
};

// Answers whether an orphan carries the run's mark in its environment. Asked only of children of
// the reaper that nothing else connects with the run, or of everybody if it is adopted.
using HasMark = std::function<bool(const ProcStat&)>;

// The places in `processes` of those that belong to the run, ended ones included, in their order:
// the main process, its session and process group, orphans with the mark, and every descendant of
// one of these. Only descendants of the reaper count, unless it is adopted. The session and group
// rule is void once the main process's number belongs to another process.
std::vector<std::size_t> tree_members(const std::vector<ProcStat>& processes, const TreeRoot& root,
                                      const HasMark& has_mark);

}  // namespace dm::worker
