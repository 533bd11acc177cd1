// master/io/shortening.h - replaces the journal by a snapshot of the state while the master goes
// on: slices of the state from the loop, everything slow in helper threads.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "common/io/jobs.h"
#include "common/io/journal_rewrite.h"
#include "master/state/snapshot.h"

namespace dm::master {

class Shortening {
 public:
  struct Parts {
    Jobs& jobs;
    JournalFile& journal;
    const State& state;  // between two events it is what the journal was given so far
    // CommitQueue's: while it is held nothing is written to the journal.
    std::function<void(Task)> hold;
    Task release;
    // In a helper thread, before the old journal goes: what is to be saved of its part up to
    // tail_from().
    std::function<Status(const JournalRewrite&)> save;
    // How it ended. After an error the old journal goes on.
    std::function<void(const Status&)> on_done;
    // Neither of the two journals can be relied on any more.
    std::function<void(const Error&)> on_lost;
  };

  explicit Shortening(Parts parts) : parts_(std::move(parts)) {}

  // Call between two events. REQUIRES !is_running().
  void begin();
  bool is_running() const { return running_; }

 private:
  using Step = void (Shortening::*)();
  // `work` in a helper thread, then `next` in the loop's.
  void run(Callable<Status(JournalRewrite&)> work, Step next);
  void slice();
  void catch_up();
  void close_up();
  void adopt();
  void end(const Status& status);

  Parts parts_;
  bool running_ = false;
  std::unique_ptr<JournalRewrite> rewrite_;  // with the thread while that is at work
  SnapshotWalk walk_;
  std::int64_t copied_ = 0;
};

}  // namespace dm::master
