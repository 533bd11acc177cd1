// master/observed/lease_table.h - until when each singleton may live although its worker hears
// nothing from the master. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

#include "common/clock.h"

namespace dm::master {

class LeaseTable {
 public:
  // By instance: until then (mono_ms).
  const std::map<std::string, std::int64_t>& all() const { return until_; }
  void set(const std::string& instance, std::int64_t until_mono_ms) {
    until_[instance] = until_mono_ms;
  }
  void erase(const std::string& instance) { until_.erase(instance); }
  std::int64_t left_ms(const std::string& instance, Now now) const {
    const auto found = until_.find(instance);
    return found == until_.end() ? 0 : std::max<std::int64_t>(found->second - now.mono_ms, 0);
  }

 private:
  std::map<std::string, std::int64_t> until_;
};

}  // namespace dm::master
