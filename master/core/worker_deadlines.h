// master/core/worker_deadlines.h - when something is due for each worker: a queue, so that nobody
// searches all of them. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"

namespace dm::master {

class WorkerDeadlines {
 public:
  // The time in effect is the earlier one; INT64_MAX asks for nothing.
  void at_latest(const std::string& worker, std::int64_t mono_ms) {
    if (mono_ms == INT64_MAX) return;
    const auto [at, is_new] = times_.emplace(worker, mono_ms);
    if (!is_new) {
      if (at->second <= mono_ms) return;
      queue_.erase({at->second, worker});
      at->second = mono_ms;
    }
    queue_.emplace(mono_ms, worker);
  }
  // In place of the earlier time.
  void set(const std::string& worker, std::int64_t mono_ms) {
    if (const auto at = times_.find(worker); at != times_.end()) {
      queue_.erase({at->second, worker});
      times_.erase(at);
    }
    at_latest(worker, mono_ms);
  }
  // Those whose time has come, by name; each has to be scheduled again.
  std::vector<std::string> take_due(Now now) {
    std::vector<std::string> due;
    while (!queue_.empty() && queue_.begin()->first <= now.mono_ms) {
      due.push_back(queue_.begin()->second);
      times_.erase(due.back());
      queue_.erase(queue_.begin());
    }
    std::sort(due.begin(), due.end());
    return due;
  }
  std::int64_t earliest() const { return queue_.empty() ? INT64_MAX : queue_.begin()->first; }

 private:
  std::map<std::string, std::int64_t> times_;
  std::set<std::pair<std::int64_t, std::string>> queue_;
};

}  // namespace dm::master
