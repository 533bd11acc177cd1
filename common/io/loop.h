// common/io/loop.h - one thread, one wait: descriptors, deadlines, signals, and messages from
// helper threads. Decides nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "common/clock.h"
#include "common/io/poller.h"
#include "common/task.h"

namespace dm {

class Loop {
 public:
  using OnReady = std::function<void(Ready)>;
  using Task = dm::Task;
  using TimerId = std::pair<std::int64_t, std::uint64_t>;

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Calls `on_ready` whenever the descriptor is ready, until unwatch. The descriptor is borrowed
  // and must be unwatched before it is closed.
  void watch(int fd, bool read, bool write, OnReady on_ready);
  // Changes what a watched descriptor waits for.
  void want(int fd, bool read, bool write);
  void unwatch(int fd);

  // Calls `task` once, at or after the moment (mono_ms). Deadlines are judged only after every
  // readable descriptor has been read, so that a process that was stopped and continued accuses
  // nobody.
  TimerId at(std::int64_t mono_ms, Task task);
  void cancel(TimerId id);

  // Calls `task` in the loop's thread, soon. The one call that any thread may make.
  void post(Task task);
  // Calls `task` when everything that is ready has been handled, before the next wait.
  void later(Task task) { later_.push_back(std::move(task)); }

  // Calls the watch of `fd` as if it were writable, before the next wait: what was queued in this
  // round goes out in one piece and without asking the kernel whether it may.
  void kick(int fd) { kicked_.push_back(fd); }

  // Delivers a signal as a call. The signal is blocked for the whole process by this.
  void on_signal(int signal, Task task);

  // The time of the last wake-up.
  Now now() const { return now_; }

  // Runs until stop(); returns what was given to stop().
  int run();
  void stop(int status);

 private:
  void handle(const std::vector<Ready>& ready);
  bool is_watched(int fd) const;
  int most_passes() const;
  void run_posted();
  void run_later();
  void run_due();
  int timeout() const;
  bool is_due() const;

  Poller poller_;
  struct Watch {
    OnReady on_ready;
  };
  std::vector<std::unique_ptr<Watch>> watches_;        // by descriptor
  int watched_ = 0;                                    // how many there are
  std::vector<std::pair<const Watch*, Ready>> calls_;  // of this round
  std::vector<std::unique_ptr<Watch>> retired_;        // unwatched, perhaps still on the stack
  std::map<TimerId, Task> timers_;
  std::uint64_t next_timer_ = 1;
  std::vector<Task> later_;
  std::vector<int> kicked_;
  std::map<int, Task> signals_;
  Fd signal_fd_;
  Fd wake_read_, wake_write_;
  std::mutex mutex_;
  std::vector<Task> posted_;
  Now now_;
  bool stopped_ = false;
  int status_ = 0;
};

}  // namespace dm
