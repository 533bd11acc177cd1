// worker/core/deadlines.h - when each instance needs attention next, the earliest first. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "worker/core/master_link.h"

namespace dm::worker {

class Deadlines {
 public:
  // `name` was due at `before` and is due at `at` from now on; kNever: not at all.
  void move(const std::string& name, std::int64_t before, std::int64_t at) {
    if (before == at) return;
    if (before != kNever) queue_.erase({before, name});
    if (at != kNever) queue_.emplace(at, name);
  }

  // mono_ms; kNever if nobody is due.
  std::int64_t earliest() const { return queue_.empty() ? kNever : queue_.begin()->first; }

  // All that are due by then, in the order of their names.
  std::set<std::string> due(std::int64_t mono_ms) const {
    std::set<std::string> names;
    for (auto each = queue_.begin(); each != queue_.end() && each->first <= mono_ms; ++each)
      names.insert(each->second);
    return names;
  }

 private:
  std::set<std::pair<std::int64_t, std::string>> queue_;
};

}  // namespace dm::worker
