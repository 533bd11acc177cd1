// tests/sim/commits.h - common/io/commit_queue.h in virtual time: no effect is performed before the
// records in front of it are durable. Its process may die before any effect. Decides nothing.
#pragma once

#include <deque>
#include <functional>
#include <utility>
#include <variant>
#include <vector>

#include "tests/sim/journal.h"
#include "tests/sim/timeline.h"

namespace dm::sim {

template <typename Effect, typename Append>
class SimCommits {
 public:
  struct Handlers {
    std::function<void(const Effect&)> perform;
    std::function<void(const Line&)> durable;  // a record outlives the machine now
    std::function<void()> step;                // a moment at which the process may die
  };

  SimCommits(Mortal& process, SimJournal& journal, Handlers handlers)
      : process_(process), journal_(journal), handlers_(std::move(handlers)) {}

  void submit(std::vector<Effect> effects) {
    for (const Effect& effect : effects)
      if (const auto* append = std::get_if<Append>(&effect)) {
        journal_.add(append->record);
        undurable_.push_back(append->record);
        if (!append->lazy) needs_sync_ = true;
      }
    for (Effect& effect : effects)
      if (!std::holds_alternative<Append>(effect)) waiting_.push_back(std::move(effect));
    if (!syncing_ && !performing_ && !held_) advance();
  }

  bool is_idle() const { return waiting_.empty() && !syncing_ && !performing_; }
  // From the moment of `task` on nothing is written, synced or performed until release().
  void hold(std::function<void()> task) {
    on_held_ = std::move(task);
    if (!syncing_) enter_hold();
  }
  // The journal was replaced meanwhile by a durable one of all that had been written.
  void release() {
    held_ = false;
    tell_durable(covered_by_hold_);
    advance();
  }

 private:
  void advance() {
    const auto life = process_.life();
    while (life == process_.life() && !syncing_ && !held_ &&
           (!waiting_.empty() || journal_.has_batch())) {
      handlers_.step();
      if (life != process_.life()) return;
      journal_.write();
      if (needs_sync_)
        sync();
      else
        perform_first(waiting_.size());
    }
  }

  void sync() {
    syncing_ = true;
    needs_sync_ = false;
    const std::size_t covered = waiting_.size(), bytes = journal_.size();
    const std::size_t records = undurable_.size();
    Timeline& timeline = process_.timeline();
    process_.later(timeline.delay(2 * kMs), [this, covered, bytes, records] {
      const auto life = process_.life();
      journal_.synced(bytes);
      tell_durable(records);
      syncing_ = false;
      perform_first(covered);
      if (life != process_.life()) return;
      on_held_ ? enter_hold() : advance();
    });
  }

  void enter_hold() {
    journal_.write();
    held_ = true;
    covered_by_hold_ = undurable_.size();
    std::exchange(on_held_, nullptr)();
  }

  void tell_durable(std::size_t records) {
    for (std::size_t i = 0; i < records; ++i) {
      handlers_.durable(undurable_.front());
      undurable_.pop_front();
    }
  }

  void perform_first(std::size_t count) {
    const auto life = process_.life();
    performing_ = true;
    for (std::size_t i = 0; i < count; ++i) {
      handlers_.step();
      if (life != process_.life()) return;
      const Effect effect = std::move(waiting_.front());
      waiting_.pop_front();
      handlers_.perform(effect);
      if (life != process_.life()) return;
    }
    performing_ = false;
  }

  Mortal& process_;
  SimJournal& journal_;
  Handlers handlers_;
  std::deque<Effect> waiting_;
  std::deque<Line> undurable_;
  bool needs_sync_ = false, syncing_ = false, performing_ = false, held_ = false;
  std::function<void()> on_held_;
  std::size_t covered_by_hold_ = 0;
};

}  // namespace dm::sim
