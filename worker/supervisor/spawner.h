// worker/supervisor/spawner.h - turns a checked order into a process. Remembers nothing of it and
// never waits for a child.
#pragma once

#include <string>

#include "common/io/fd.h"
#include "worker/supervision/spawn_order.h"
#include "worker/supervisor/app_fork.h"

namespace dm::supervisor {

class Spawner {
 public:
  // `open_files` is the limit that apps get.
  explicit Spawner(const rlimit& open_files);

  struct AppFork {
    int pid = -1;          // -1: no child; failure tells why
    ChildFailure failure;  // of the fork itself; kNone: `report` will tell
    Fd report;             // ends when the exec has succeeded, or yields a ChildFailure
    bool in_cgroup = false;
  };
  // One try. `user` may be null (no switching), `cgroup` empty. A child whose failure is told is
  // exiting and stays to be reaped by wait4.
  AppFork try_once(const SpawnOrder& order, int log_fd, const AppUser* user,
                   const std::string& cgroup) const;

  // What a report says, without waiting: true once the outcome is known.
  static bool read_report(const Fd& report, ChildFailure& failure);

 private:
  rlimit open_files_;
  bool reset_oom_score_;
};

// The sentence of a failure: "No such file or directory", "chdir /x: Permission denied".
std::string failure_words(const ChildFailure& failure, const SpawnOrder& order);

}  // namespace dm::supervisor
