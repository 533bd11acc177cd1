// master/core/log_tails.h - the ends of logs that are kept by the master, for the day when their
// worker is gone: which are asked for, which are kept.
#pragma once

#include <optional>
#include <string>

#include "master/core/log_streams.h"
#include "master/decide/facts.h"

namespace dm::master {

class LogTails : public RecordObserver {
 public:
  LogTails(LogStreams& streams, const Facts& facts, Effects& out)
      : streams_(streams), facts_(facts), state_(facts.state), out_(out) {}

  // A run has ended; its report may bring the last bytes.
  void ended(const std::string& name, const WorkerView& worker, const Line& exited, Now now);
  // A worker has told all it knows: what ended meanwhile, and what was cut.
  void want_missing(const WorkerView& worker, Now now);
  void ask(Now now);
  void is_through(const Order& order, const std::optional<Error>& error, Now now);
  void stored(const TailStored& stored);
  void instances_removed() override;

  std::int64_t deadline() const { return queue_.deadline(); }
  bool has(const std::string& instance) const { return shelf_.has(instance); }
  std::int64_t lost() const { return lost_; }  // since the start: no room, or not to be had

 private:
  static constexpr std::int64_t kMost = 64 * 1024 * 1024;  // bytes
  void ask_one(const std::string& name, const Placement& placement, Now now);
  void keep(const std::string& name, const WorkerView& worker, const Line& exited, Now now);

  LogStreams& streams_;
  const Facts& facts_;
  const State& state_;
  Effects& out_;
  TailQueue queue_;
  TailShelf shelf_{kMost};
  std::int64_t lost_ = 0;
};

}  // namespace dm::master
