// master/logs/event_log.h - what happened lately, bounded; the oldest goes first and is counted.
// What operators did has a ring of its own, so that nothing else pushes it out. An event is a view
// of a record, so that a journal that is read again tells the same. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "common/codec.h"

namespace dm::master {

struct ClusterEvent {
  std::int64_t number = 0;  // of its record in the journal: it grows, with gaps
  std::int64_t wall_ms = 0;
  std::string kind;  // a stable word: worker-up, worker-lost, launched, exited, ...
  std::string worker, instance, app;  // empty: none
  std::string replaces;               // the instance whose place it took
  std::string who, from;              // empty: the system itself
  std::string code;                   // how a command ended: ok, or an error's word
  std::string text;                   // a sentence for people
};

// What a record says has happened; nullopt if it is no record of the audit trail. The number is the
// caller's to set.
std::optional<ClusterEvent> event_of(const Line& record);
// The record of an event that no other record tells of.
Line print_event(const ClusterEvent& event);

class EventLog {
 public:
  static constexpr std::size_t kMost = 10'000;  // commands, and as many of all others

  // Of a number that is not larger than the last one's it is known already, and left out.
  void add(ClusterEvent event);
  // So many are older than any that will be added.
  void count_older(std::int64_t events) { dropped_ += events; }
  std::size_t size() const { return commands_.size() + others_.size(); }
  // The last of both, oldest first; valid until the next add().
  std::vector<const ClusterEvent*> latest(std::size_t most) const;
  std::int64_t dropped() const { return dropped_; }

 private:
  std::deque<ClusterEvent> commands_, others_;
  std::int64_t last_ = INT64_MIN, dropped_ = 0;
};

std::string print_for_people(const ClusterEvent& event);  // one line with its newline
std::string print_as_json(const ClusterEvent& event);     // likewise

}  // namespace dm::master
