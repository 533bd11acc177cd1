// worker/io/log_watch.h - tells which names in the logs' directory were written to, made or removed
// since it was asked last: inotify(7) where there is one. Decides nothing.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "common/io/fd.h"

namespace dm::worker {

class LogWatch {
 public:
  // The directory is borrowed.
  explicit LogWatch(int directory);

  // The names since the last call; nullopt if they are not known: nobody tells, or there were too
  // many. Costs by what has happened, at most by the length of the kernel's queue.
  std::optional<std::set<std::string>> take();

 private:
  Fd fd_;
};

}  // namespace dm::worker
