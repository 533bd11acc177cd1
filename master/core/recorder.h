// master/core/recorder.h - the only writer of the state: applies a record, numbers it, has it
// written, and tells those who follow. Pure: the journal itself is an effect.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/clock.h"
#include "master/core/effects.h"
#include "master/logs/event_log.h"
#include "master/state/state.h"

namespace dm::master {

// Hears of every record after the state has taken it.
class RecordObserver {
 public:
  virtual ~RecordObserver() = default;
  // Instances were removed from the state.
  virtual void instances_removed() {}
  virtual void event_recorded(const ClusterEvent&) {}
};

class Recorder {
 public:
  Recorder(State& state, Effects& out) : state_(state), out_(out) {}
  void observe(RecordObserver& observer) { observers_.push_back(&observer); }

  // Durable before any effect behind it. A record that the state refuses is not written.
  void record(const Line& record) { append(record, false); }
  // Written before what follows, but not waited for: should the machine die, the worker tells it
  // again.
  void record_lazily(const Line& record) { append(record, true); }
  // An event that no other record tells of.
  void emit(ClusterEvent event, Now now);
  // One line on standard error, and a `notice` among the events.
  void log(const std::string& text, Now now);

  // A record of the journal that is read at the start; `seq` is 0 for one of a snapshot.
  Status replay(const Line& record, std::int64_t seq);
  // An older record of the audit trail: counts for `events` alone.
  void recall(const Line& record, std::int64_t seq);
  void recall_older(std::int64_t records) { events_.count_older(records); }

  const EventLog& events() const { return events_; }
  std::int64_t next_seq() const { return next_seq_; }  // of the next record

 private:
  void append(const Line& record, bool lazy);

  State& state_;
  Effects& out_;
  EventLog events_;
  std::int64_t next_seq_ = 1;  // of the journal: everything in it comes from here or was replayed
  std::vector<RecordObserver*> observers_;
};

}  // namespace dm::master
