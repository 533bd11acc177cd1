// worker/supervisor/process_watch.h - tells when a process that is no child of ours has ended: by a
// pidfd, and by looking now and then where there is none. Signals nothing, decides nothing.
#pragma once

#include <cstdint>
#include <functional>

#include "common/io/fd.h"
#include "common/io/loop.h"

namespace dm::supervisor {

class ProcessWatch {
 public:
  enum class Means { kBest, kPolling };

  // `on_end` is called once, from the loop, when the process that has this pid and this start time
  // has ended, a zombie included: at once if it has already, never after the watch is destroyed.
  ProcessWatch(Loop& loop, int pid, std::uint64_t start, std::function<void()> on_end,
               Means means = Means::kBest);
  ~ProcessWatch();
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;

 private:
  void look();
  void ended();

  Loop& loop_;
  const int pid_;
  const std::uint64_t start_;
  std::function<void()> on_end_;
  Fd process_;
  Loop::TimerId timer_{};
};

}  // namespace dm::supervisor
