// master/core/unrecorded.h - instances that workers have and no record speaks of: they are left
// alone, listed, and told.
#pragma once

#include <map>
#include <string>

#include "master/core/recorder.h"
#include "master/observed/worker_view.h"

namespace dm::master {

class Unrecorded {
 public:
  Unrecorded(Recorder& recorder, const State& state, Effects& out)
      : recorder_(recorder), state_(state), out_(out) {}

  void hear(WorkerView& worker, const std::string& name, const Line& line);
  // Their names must never be given to others: the worker would take the launch for one that it has
  // answered already. Once a session, when the worker has told all and is known.
  void learn_numbers(WorkerView& worker, Now now);
  // When it has told all and has beaten: of a name that somebody tried nothing is remembered.
  void tell(WorkerView& worker, Now now);

 private:
  std::map<std::string, std::int64_t> numbers_of(const WorkerView& worker) const;

  Recorder& recorder_;
  const State& state_;
  Effects& out_;
};

}  // namespace dm::master
