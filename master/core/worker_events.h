// master/core/worker_events.h - events that a worker can bring about as often as it likes: so many
// a minute, the others are counted.
#pragma once

#include <utility>

#include "master/core/recorder.h"
#include "master/observed/worker_view.h"

namespace dm::master {

class WorkerEvents {
 public:
  WorkerEvents(Recorder& recorder, Effects& out) : recorder_(recorder), out_(out) {}

  void emit(WorkerView& worker, ClusterEvent event, Now now) {
    tell_left_out(worker, now);
    if (!worker.notices.take(now.mono_ms)) return;
    event.worker = worker.name;
    if (event.kind == "notice") out_.push_back(Say{event.text});
    recorder_.emit(std::move(event), now);
  }
  void tell_left_out(WorkerView& worker, Now now) {
    const std::int64_t count = worker.notices.refused(now.mono_ms);
    if (count > 0)
      recorder_.log(
          "worker " + worker.name + ": " + std::to_string(count) + " events were left out", now);
  }

 private:
  Recorder& recorder_;
  Effects& out_;
};

}  // namespace dm::master
