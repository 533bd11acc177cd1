// tests/sim/journal.h - a journal on a disk that forgets: what a process had not written dies with
// it, what was not synced may die with the machine, cut at any byte. The text is the real one. And
// the log of a commit queue over it, in virtual time.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "common/commit_queue.h"
#include "common/journal.h"
#include "tests/sim/timeline.h"

namespace dm::sim {

class SimJournal {
 public:
  SimJournal(Timeline& timeline, std::string kind);

  void add(const Line& record);
  std::int64_t next_seq() const { return next_seq_; }  // of the record that is added next
  bool has_batch() const { return !batch_.empty(); }
  void write();
  std::size_t size() const { return text_.size(); }
  // Everything up to `bytes` outlives the machine.
  void synced(std::size_t bytes) { durable_ = std::max(durable_, bytes); }
  // By one that holds `records` alone; durable at once, as the rename makes it.
  void replace(const std::vector<Line>& records);

  // The same while it goes on: what is added from now on is behind the mark.
  struct Mark {
    std::size_t at = 0;
    std::int64_t next_seq = 1;
  };
  Mark mark() const { return {text_.size() + batch_.size(), next_seq_}; }
  // By a snapshot and what was written behind the mark.
  void replace(const std::vector<Line>& records, const Mark& mark);

  // What a backup would hold; and such a backup put back in place of all that is there.
  std::string copy() const { return text_.substr(0, durable_); }
  void put_back(std::string text);

  void process_died();
  void host_died();
  // What a new process reads; a torn end is cut. Anything else breaks a promise.
  void read(const TakeRecord& take);

 private:
  Timeline& timeline_;
  std::string kind_;
  std::string text_, batch_;
  std::size_t durable_ = 0;
  std::int64_t next_seq_ = 1;
};

class SimLog : public CommitLog {
 public:
  struct Handlers {
    std::function<void(const Line&)> durable;  // a record outlives the machine now
    std::function<void()> step;                // a moment at which the process may die
  };

  SimLog(Mortal& process, SimJournal& journal, Handlers handlers)
      : process_(process), journal_(journal), handlers_(std::move(handlers)) {}

  void add(const Line& record) override;
  bool has_batch() const override { return journal_.has_batch(); }
  Status write() override;  // an error: the process has died
  void sync(std::function<void(const Status&)> done) override;

  // The queue is held: what is written so far is what replaced() is about.
  void held() { covered_by_hold_ = undurable_.size(); }
  // The journal was replaced meanwhile by a durable one of all that had been written.
  void replaced() { tell_durable(covered_by_hold_); }

 private:
  void tell_durable(std::size_t records);

  Mortal& process_;
  SimJournal& journal_;
  Handlers handlers_;
  std::deque<Line> undurable_;
  std::size_t covered_by_hold_ = 0;
};

}  // namespace dm::sim
