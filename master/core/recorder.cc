#include "master/core/recorder.h"

#include <utility>

namespace dm::master {

void Recorder::append(const Line& record, bool lazy) {
  const std::size_t instances = state_.instances.size();
  // The next start would refuse it as well: it must not be in the journal.
  if (const auto taken = state_.apply(record); !taken)
    return out_.push_back(Say{"not recorded: " + taken.error().message});
  const std::int64_t seq = next_seq_++;
  out_.push_back(Append{record, lazy});
  if (state_.instances.size() < instances)
    for (RecordObserver* observer : observers_) observer->instances_removed();
  auto event = event_of(record);
  if (!event) return;
  event->number = seq;
  for (RecordObserver* observer : observers_) observer->event_recorded(*event);
  events_.add(std::move(*event));
}

void Recorder::emit(ClusterEvent event, Now now) {
  event.wall_ms = now.wall_ms;
  record_lazily(print_event(event));
}

void Recorder::log(const std::string& text, Now now) {
  out_.push_back(Say{text});
  ClusterEvent event;
  event.kind = "notice";
  event.text = text;
  emit(std::move(event), now);
}

Status Recorder::replay(const Line& record, std::int64_t seq) {
  if (seq > 0) {
    next_seq_ = seq + 1;
    recall(record, seq);
  }
  return state_.apply(record);
}

void Recorder::recall(const Line& record, std::int64_t seq) {
  auto event = event_of(record);
  if (!event) return;
  event->number = seq;
  events_.add(std::move(*event));
}

}  // namespace dm::master
