// master/observed/reports.h - the last report of each instance by its worker. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/codec.h"

namespace dm::master {

// One reading of an instance, kept for `usage --since`: compact, since there are many.
struct UsageSample {
  std::uint32_t wall_s = 0, cpu_user_cs = 0, cpu_system_cs = 0, rss_kib = 0;
  float cpu_percent = 0;
};

// What the instance's worker said last.
struct Live {
  std::string state;   // "running", "sleeping", ...; empty: it has not said anything yet
  bool wanted = true;  // by its worker: false once that has heard of a stop
  std::int64_t run = 0, restarts = 0;
  std::optional<std::int64_t> pid, started_ms, retry_ms;
  std::optional<std::int64_t> cpu_user_ms, cpu_system_ms, rss_bytes, max_rss_bytes;
  std::optional<double> cpu_percent;
  std::vector<UsageSample> samples;  // oldest first; bounded (core/samples.h)
};

// What an INSTANCE line of its worker says. The figures of a process stay as they were where none
// is named.
void parse_report(const Line& line, Live& live);

// Is this a state of a living process?
inline bool is_alive_word(std::string_view state) {
  return !state.empty() && state != "dead" && state != "backoff";
}

class Reports {
 public:
  const std::map<std::string, Live>& all() const { return live_; }
  std::map<std::string, Live>& edit_all() { return live_; }
  // nullptr for an instance of which no worker has said anything.
  const Live* find(const std::string& instance) const {
    const auto found = live_.find(instance);
    return found == live_.end() ? nullptr : &found->second;
  }
  Live& edit(const std::string& instance) { return live_[instance]; }
  void erase(const std::string& instance) { live_.erase(instance); }
  bool is_alive(const std::string& instance) const {
    const Live* live = find(instance);
    return live != nullptr && is_alive_word(live->state);
  }

 private:
  std::map<std::string, Live> live_;
};

}  // namespace dm::master
