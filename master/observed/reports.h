// master/observed/reports.h - the last report of an instance by its worker. Pure data.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace dm::master {

// One reading of an instance, kept for `usage --since`.
struct UsageSample {
  std::int64_t wall_ms = 0, cpu_user_ms = 0, cpu_system_ms = 0, rss_bytes = 0;
  double cpu_percent = 0;
};

// What the instance's worker said last.
struct Live {
  std::string state;   // "running", "sleeping", ...; empty: it has not said anything yet
  bool wanted = true;  // by its worker: false once that has heard of a stop
  std::int64_t run = 0, restarts = 0;
  std::optional<std::int64_t> pid, started_ms, retry_ms;
  std::int64_t cpu_user_ms = 0, cpu_system_ms = 0, rss_bytes = 0, max_rss_bytes = 0;
  double cpu_percent = 0;
  std::deque<UsageSample> samples;
};

}  // namespace dm::master
