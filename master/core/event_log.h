// master/core/event_log.h - what happened lately, bounded; the oldest goes first and is counted.
// Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

namespace dm::master {

struct ClusterEvent {
  std::int64_t number = 0;  // counts from 1
  std::int64_t wall_ms = 0;
  std::string kind;  // a stable word: worker-up, worker-lost, launched, exited, ...
  std::string worker, instance, app;  // empty: none
  std::string who;                    // empty: the system itself
  std::string text;                   // a sentence for people
};

class EventLog {
 public:
  static constexpr std::size_t kMost = 10'000;

  const ClusterEvent& add(ClusterEvent event);
  const std::deque<ClusterEvent>& events() const { return events_; }
  std::int64_t dropped() const { return dropped_; }

 private:
  std::deque<ClusterEvent> events_;
  std::int64_t next_ = 1;
  std::int64_t dropped_ = 0;
};

std::string print_for_people(const ClusterEvent& event);  // one line with its newline
std::string print_as_json(const ClusterEvent& event);     // likewise

}  // namespace dm::master
