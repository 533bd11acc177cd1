// worker/supervisor/trees.h - the processes of a run, found and signalled: by its cgroup, or by
// looking through /proc. Decides nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "worker/core/proc_stat.h"
#include "worker/supervision/machine.h"
#include "worker/supervision/run_table.h"

namespace dm::supervisor {

using worker::ProcStat;

// True if the process was started with the mark of that run, and as an app of that root directory:
// another worker of this machine may have an instance of the same name.
bool bears_mark(int pid, const RunKey& key, const std::string& root);

class Trees {
 public:
  struct Border {
    std::string root;  // the worker's directory
    // False for a process that no app of ours can be: what may belong to adopted runs, whose
    // processes are no children of ours.
    std::function<bool(int pid)> is_in;
    std::function<bool(int pid)> is_main;  // true for the main process of a run
  };
  explicit Trees(Border border) : border_(std::move(border)) {}

  // The living processes of a run; the main process is among them while it lives.
  std::vector<ProcStat> members(const Run& run) const;
  // As members().empty(), but quicker. REQUIRES that the main process has been reaped.
  bool is_empty(const Run& run) const;

  // Sends a signal to each process of the tree.
  Reached signal(const Run& run, int signal) const;
  // To the process group of an adopted run's main process, one by one: that number is not ours to
  // hold. kNobody if the main process has ended.
  Reached signal_group(const Run& run, int signal) const;
  // SIGKILL to the whole tree, once. What forks is stopped before it is killed, so that it cannot
  // outrun us.
  KillRound kill(const Run& run) const;

  // Notes every process's run, by all that can be seen now; and, much quicker, the runs of those
  // whom we have inherited since the last look.
  void look(const RunTable& table);
  void look_at_orphans(const RunTable& table);
  // "PID:COMM" of our children that belong to no run, as of the last of these looks.
  std::vector<std::string> orphans() const;

 private:
  // `sure` is false if there may be more than was found.
  struct Scan {
    std::vector<ProcStat> living;
    bool sure = false;
  };
  Scan scan(const Run& run) const;
  bool has_orphans() const;
  bool stop_and_kill(const Run& run) const;  // false if something was not ours to kill
  struct Identity {
    int pid = 0;
    std::uint64_t start = 0;
    auto operator<=>(const Identity&) const = default;
  };
  std::vector<ProcStat> noted(const Run& run) const;
  std::optional<RunKey> run_of_orphan(const ProcStat& orphan, const RunTable& table) const;
  bool is_orphan(const ProcStat& process) const;

  void note(const Identity& identity, const RunKey& key);

  std::map<Identity, RunKey> noted_;
  std::map<RunKey, std::vector<Identity>> noted_of_run_;
  std::set<Identity> orphans_;

  const Border border_;
};

}  // namespace dm::supervisor
