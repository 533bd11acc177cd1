// common/io/jobs.h - slow work (hashing, syncing, sending files, name look-ups) in helper
// threads that hand an event back to the loop. A thread exists only while there is work.
#pragma once

#include <atomic>
#include <deque>
#include <memory>

#include "common/io/loop.h"

namespace dm {

// Says to a running job that nobody waits for it any more; jobs look at it between two blocks.
using Cancel = std::shared_ptr<std::atomic<bool>>;

class Jobs {
 public:
  // At most `most` threads at once; further work waits in a queue.
  Jobs(Loop& loop, int most) : loop_(loop), most_(most) {}
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  // Runs `work` in a helper thread. Whatever it returns is called in the loop's thread. `work`
  // shares nothing with the loop but what it was given. Where the system makes no thread (a limit
  // on tasks), `refuse` is called instead, later and in the loop's thread; without it the work
  // waits until there is one. It never runs in the loop.
  void run(Work work, Task refuse = nullptr);

  // Work that is running or queued.
  std::size_t pending() const { return static_cast<std::size_t>(running_) + queue_.size(); }

 private:
  struct Waiting {
    Work work;
    Task refuse;
  };
  struct Thread;
  void start(Waiting waiting);
  void start_waiting();
  void finished(Task done);

  Loop& loop_;
  int most_;
  int running_ = 0;
  bool will_retry_ = false;
  std::deque<Waiting> queue_;
};

}  // namespace dm
