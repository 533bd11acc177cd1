// worker/supervisor/cgroups.h - the cgroups of the instances: makes them, kills in them, removes
// them when idle. Enables no controllers and moves no process: children are forked inside.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/io/fd.h"
#include "worker/supervision/spawn_order.h"

namespace dm::supervisor {

class Cgroups {
 public:
  Cgroups() = default;
  ~Cgroups();
  Cgroups(const Cgroups&) = delete;
  Cgroups& operator=(const Cgroups&) = delete;

  // Makes OWN-CGROUP/dm-HASH for a worker's root directory and removes what a former supervisor
  // left empty there. False where no cgroup can be made; then usable() stays false.
  bool open(const std::string& root);
  bool usable() const { return !base_.empty(); }

  // The cgroup for a run, as an absolute path: the instance's own, or one more for this run if
  // processes of a former run are still in there. Empty if none can be made. It counts as used
  // until release().
  std::string acquire(const RunKey& key);
  // Counts a cgroup as used that a former supervisor made; and finds one that it left in use for a
  // run whose main process is gone, empty if there is none.
  void keep(const std::string& path);
  std::string find_left(const RunKey& key) const;
  // `killed`: kill() was called on it. Such a cgroup is not used again: the kernel (seen on 6.18)
  // takes a process forked into it for one that this kill has missed.
  void release(const std::string& path, std::int64_t mono_ms, bool killed);
  // Removes what has not been used for a while.
  void sweep(std::int64_t mono_ms);
  // True if a sweep will have something to remove, one day.
  bool has_idle() const { return idle_ > 0; }

  // An open directory, for a child to be forked inside.
  static Fd open_directory(const std::string& path);
  // SIGKILL to everything inside and below, at once (cgroup.kill, Linux 5.14). False if that is
  // not to be had.
  static bool kill(const std::string& path);

 private:
  struct Use {
    int runs = 0;
    std::int64_t idle_since_ms = 0;
    bool spent = false;  // it was killed, and could not be removed yet
  };
  bool make(const std::string& path);

  std::string base_;
  std::map<std::string, Use> uses_;
  std::size_t idle_ = 0;  // of uses_, those with no run
};

}  // namespace dm::supervisor
