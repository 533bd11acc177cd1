// worker/supervision/machine.h - what the supervisor's decisions ask of the machine and of their
// connections. The product answers with system calls, the simulator with processes of its own.
// Decides nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/codec.h"
#include "common/result.h"
#include "worker/supervision/run_table.h"
#include "worker/supervision/spawn_order.h"

namespace dm::supervisor {

// Why a fork or an exec failed.
struct SpawnFailure {
  enum class Kind {
    kOther,
    kCgroup,    // only the cgroup could not be had: the run can do without
    kTextBusy,  // the file is open for writing somewhere: a later try may succeed
  };
  Kind kind = Kind::kOther;
  int error_number = 0;
  std::string words;
};

// What became of one fork. Without `failure` the outcome of the exec follows, by Runs::resolve().
struct ForkResult {
  int pid = 0;  // 0: there is no child
  std::uint64_t start = 0;
  bool in_cgroup = false;
  std::optional<SpawnFailure> failure;
};

// A process that an adoption may take over.
struct FoundProcess {
  int pid = 0;
  std::uint64_t start = 0;
  std::string cgroup;  // that of its run; empty: none
};

// getrusage(2) of every child that was waited for.
struct ChildrenUsage {
  std::int64_t user_ms = 0, system_ms = 0, max_rss_bytes = 0;
};

// Whom a signal has reached. kDenied: somebody lives there, and the kernel does not let us (EPERM).
enum class Reached { kNobody, kDenied, kSome };

// One round of SIGKILL to a tree.
struct KillRound {
  bool whole_cgroup = false;  // its cgroup was killed at once
  bool denied = false;        // of what lives there something is not ours to kill
};

class Machine {
 public:
  using Task = std::function<void()>;
  using TimerId = std::pair<std::int64_t, std::uint64_t>;

  virtual ~Machine() = default;

  // Time. Tasks are called from the loop, never from within these calls.
  virtual Now now() const = 0;
  virtual TimerId at(std::int64_t mono_ms, Task task) = 0;
  virtual void cancel(TimerId id) = 0;
  virtual void later(Task task) = 0;

  // The user that a run gets; empty: nobody is switched to. Errors: denied.
  virtual Result<std::string> user_for(const std::string& wanted) const = 0;
  // One try to make a process of an order, whose log it holds. `cgroup` may be empty.
  virtual ForkResult fork(const SpawnOrder& order, const std::string& user,
                          const std::string& cgroup) = 0;
  // Has the outcome of the exec of a child that has ended come? Then it is told, by
  // Runs::resolve(), before this returns.
  virtual void read_outcome(const RunKey& key) = 0;
  // The log of a SPAWN that is being handled. Errors: bad-arg if none came, or it is no log.
  virtual Status check_log() const = 0;
  // Holds it for that run until drop_log().
  virtual void keep_log(const RunKey& key) = 0;
  virtual void drop_log(const RunKey& key) = 0;

  // The cgroup of a run, counted as used until it is released; empty where there is none.
  virtual std::string acquire_cgroup(const RunKey& key) = 0;
  virtual void keep_cgroup(const std::string& path) = 0;
  virtual std::string find_left_cgroup(const RunKey& key) = 0;
  virtual void release_cgroup(const std::string& path, bool killed) = 0;
  // Removes what was idle for long. True if a later sweep will have something to remove.
  virtual bool sweep_cgroups() = 0;
  virtual bool has_idle_cgroups() const = 0;

  // Waits for every child that has ended, and tells of each by Runs::reaped().
  virtual void reap() = 0;
  // To the process group of a run whose main process lives.
  virtual Reached signal_group(const Run& run, int signal) = 0;
  // To each process of the tree. kDenied if one lives that may not be signalled.
  virtual Reached signal_tree(const Run& run, int signal) = 0;
  // To the tree and the main process.
  virtual KillRound kill_tree(const Run& run) = 0;
  // Notes which process belongs to which run now. What was ever noted stays with its run until it
  // ends: once its parents are gone nobody can tell whose it is.
  virtual void look() = 0;
  // "PID:COMM" of processes that the supervisor has inherited, and that belong to no run. They are
  // named, and never signalled.
  virtual std::vector<std::string> orphans() = 0;
  // True if nothing of the tree lives. REQUIRES that the main process has been reaped.
  virtual bool is_empty(const Run& run) = 0;
  // "PID:COMM" of what lives of it.
  virtual std::vector<std::string> living(const Run& run) = 0;
  // Processes that the kernel has killed for want of memory; `fresh`: as of now, else it may be a
  // second old.
  virtual std::int64_t oom_kills(bool fresh) = 0;
  virtual ChildrenUsage children_usage() = 0;

  // The main process of a run that another supervisor began: that with this pid and start time, or
  // with pid 0 the one that bears its mark. nullopt: it does not live. Errors: denied, not-found.
  virtual Result<std::optional<FoundProcess>> find_main(const RunKey& key, int pid,
                                                        std::uint64_t start) = 0;
  // Tells the end of such a one by Runs::lost(), until unwatch().
  virtual void watch(const Run& run) = 0;
  virtual void unwatch(const RunKey& key) = 0;
};

// The connections of agents. What is sent to one that is gone is dropped.
class Outlet {
 public:
  virtual ~Outlet() = default;
  virtual void send(std::int64_t connection, const Line& line) = 0;
  // Sends what it can and closes; Supervision::closed() follows, later.
  virtual void close(std::int64_t connection) = 0;
  virtual bool is_open(std::int64_t connection) const = 0;
  // Hands the kernel what waits. True if nothing is left.
  virtual bool flush() = 0;
  // The first line of a greeting: who we are.
  virtual Line greeting() const = 0;
  // Empties the directory that came with the line, and answers.
  virtual void clear(const Asker& asker, const Line& line) = 0;
  // Becomes another process image when all is at rest, or answers ERR.
  virtual void upgrade(const Asker& asker) = 0;
  // Nothing is left to do.
  virtual void end() = 0;
};

}  // namespace dm::supervisor
