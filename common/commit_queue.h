// common/commit_queue.h - performs effects in their order, none of them before the records in front
// of it are durable. Many batches share one sync. Pure: the log behind it does the writing.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "common/check.h"
#include "common/codec.h"
#include "common/result.h"
#include "common/task.h"

namespace dm {

// Where the records of a CommitQueue go. An error of write() or sync() is final: the queue calls
// neither again.
class CommitLog {
 public:
  virtual ~CommitLog() = default;
  // Adds a record to the batch that the next write() writes.
  virtual void add(const Line& record) = 0;
  virtual bool has_batch() const = 0;
  // Writes the batch, if there is one.
  virtual Status write() = 0;
  // Makes everything written so far durable, then calls `done`: later, never from within this call,
  // and not after the log was destroyed.
  virtual void sync(std::function<void(const Status&)> done) = 0;
};

// `Effect` is a std::variant; `Append` the alternative that holds a `record`, and says with `lazy`
// that the record need only outlive the process, not the machine: it is written but not waited for.
template <typename Effect, typename Append>
class CommitQueue {
 public:
  using Perform = std::function<void(Effect&)>;
  // Called once a write or a sync has failed; nothing is performed after that: what was not made
  // durable must neither be seen by anybody nor be acknowledged.
  using OnFailure = std::function<void(const Error&)>;

  CommitQueue(std::unique_ptr<CommitLog> log, Perform perform, OnFailure on_failure)
      : log_(std::move(log)), perform_(std::move(perform)), on_failure_(std::move(on_failure)) {}

  void submit(std::vector<Effect> effects) {
    if (failed_) return;
    for (const Effect& effect : effects)
      if (const auto* append = std::get_if<Append>(&effect)) {
        log_->add(append->record);
        if (!append->lazy) needs_sync_ = true;
      }
    for (Effect& effect : effects)
      if (!std::holds_alternative<Append>(effect)) waiting_.push_back(std::move(effect));
    if (!syncing_ && !performing_ && !held_) advance();
  }

  // True if nothing waits: the moment to replace the journal by a shorter one.
  bool is_idle() const { return waiting_.empty() && !syncing_ && !performing_; }

  // Calls `task` as soon as everything submitted so far is written and no sync is under way. From
  // then on nothing is written, synced or performed until release(): what is submitted waits, as it
  // waits for a sync. REQUIRES that no effect is just being performed.
  void hold(Task task) {
    DM_CHECK(!performing_);
    on_held_ = std::move(task);
    if (!syncing_) enter_hold();
  }

  void release() {
    held_ = false;
    advance();
  }

  // Nothing is written or performed after this.
  void stop() { failed_ = true; }

 private:
  // Until nothing waits, or what waits must be durable first. What an effect submits comes behind
  // those that stand here already.
  void advance() {
    while (!failed_ && !syncing_ && !held_ && (!waiting_.empty() || log_->has_batch()))
      advance_once();
  }

  void advance_once() {
    if (auto written = log_->write(); !written) return fail_with(written.error());
    if (needs_sync_) return sync();
    perform_first(waiting_.size());
  }

  void sync() {
    syncing_ = true;
    needs_sync_ = false;
    log_->sync([this, covered = waiting_.size()](const Status& done) { synced(covered, done); });
  }

  void synced(std::size_t covered, const Status& done) {
    if (!done) return fail_with(done.error());
    syncing_ = false;
    perform_first(covered);
    if (on_held_) return enter_hold();
    advance();
  }

  void enter_hold() {
    if (failed_) return;
    if (log_->has_batch())
      if (auto written = log_->write(); !written) return fail_with(written.error());
    held_ = true;
    std::exchange(on_held_, nullptr)();
  }

  void perform_first(std::size_t count) {
    performing_ = true;
    for (std::size_t i = 0; i < count && !failed_; ++i) {
      Effect effect = std::move(waiting_.front());
      waiting_.pop_front();
      perform_(effect);
    }
    performing_ = false;
  }

  void fail_with(const Error& error) {
    failed_ = true;
    on_failure_(error);
  }

  std::unique_ptr<CommitLog> log_;
  Perform perform_;
  OnFailure on_failure_;
  std::deque<Effect> waiting_;
  bool needs_sync_ = false;
  bool syncing_ = false;
  bool performing_ = false;
  bool failed_ = false;
  bool held_ = false;
  Task on_held_;
};

}  // namespace dm
