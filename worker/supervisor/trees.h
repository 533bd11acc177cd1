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
#include "worker/core/run_table.h"

namespace dm {

class Trees {
 public:
  // `on_empty` is called, from the loop, when a kill has found a tree empty.
  Trees(Loop& loop, RunTable& table, std::function<void()> on_empty)
      : loop_(loop), table_(table), on_empty_(std::move(on_empty)) {}

  // The living processes of a run; the main process is among them while it lives.
  std::vector<ProcStat> members(const Run& run) const;
  // As members().empty(), but quicker. REQUIRES that the main process has been reaped.
  bool is_empty(const Run& run) const;

  // Sends a signal to each process of the tree. Returns how many got it.
  int signal(const Run& run, int signal) const;
  // SIGKILL to the whole tree, again and again until nothing is left; returns after the first
  // round. What forks is stopped before it is killed, so that it cannot outrun us.
  void kill(const Run& run);
  // Ends such a kill: the spawn has failed, and the next run of that name is another.
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
  std::function<void()> on_empty_;
  std::set<RunKey> being_killed_;
};

}  // namespace dm
