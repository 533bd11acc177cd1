// worker/supervisor/trees.h - the processes of a run, found and signalled: by its cgroup, or by
// looking through /proc. Decides nothing; goes on killing until nothing is left.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "common/io/loop.h"
#include "worker/core/proc_stat.h"
#include "worker/supervision/run_table.h"

namespace dm::supervisor {

using worker::ProcStat;

// True if the process was started with the mark of that run, and as an app of that root directory:
// another worker of this machine may have an instance of the same name.
bool bears_mark(int pid, const RunKey& key, const std::string& root);

class Trees {
 public:
  // What may belong to adopted runs, whose processes are no children of ours.
  struct Border {
    std::string root;                    // the worker's directory
    std::function<bool(int pid)> is_in;  // false for a process that no app of ours can be
  };
  // `on_empty` is called, from the loop, when a kill has found a tree empty.
  Trees(Loop& loop, RunTable& table, Border border, std::function<void()> on_empty)
      : loop_(loop), table_(table), border_(std::move(border)), on_empty_(std::move(on_empty)) {}

  // The living processes of a run; the main process is among them while it lives.
  std::vector<ProcStat> members(const Run& run) const;
  // As members().empty(), but quicker. REQUIRES that the main process has been reaped.
  bool is_empty(const Run& run) const;

  // Sends a signal to each process of the tree. Returns how many got it.
  int signal(const Run& run, int signal) const;
  // To the process group of an adopted run's main process, one by one: that number is not ours to
  // hold. Returns how many got it; 0 if the main process has ended.
  int signal_group(const Run& run, int signal) const;
  // SIGKILL to the whole tree, again and again until nothing is left; returns after the first
  // round. What forks is stopped before it is killed, so that it cannot outrun us.
  void kill(const Run& run);
  // Ends such a kill: the spawn has failed, and the next run of that name is another.
  const std::set<RunKey>& being_killed() const { return being_killed_; }
  void spare(const RunKey& key) { being_killed_.erase(key); }

 private:
  // `sure` is false if there may be more than was found.
  struct Scan {
    std::vector<ProcStat> living;
    bool sure = false;
  };
  Scan scan(const Run& run) const;
  bool has_orphans() const;
  void kill_round(const RunKey& key, std::int64_t next_ms);
  void stop_and_kill(const Run& run) const;

  Loop& loop_;
  RunTable& table_;
  const Border border_;
  std::function<void()> on_empty_;
  std::set<RunKey> being_killed_;
};

}  // namespace dm::supervisor
