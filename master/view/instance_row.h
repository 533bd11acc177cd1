// master/view/instance_row.h - one instance as a listing shows it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/clock.h"
#include "master/decide/facts.h"

namespace dm::master {

// One instance as a listing shows it.
struct InstanceRow {
  std::string name;
  const Placement* placement = nullptr;
  std::string state, reason;
  std::string away;  // "w1 left": why its state is unknown; empty otherwise
  bool alive = false;
  std::int64_t run = 0, restarts = 0;
  std::optional<std::int64_t> pid, started_ms, ended_ms, exit_code;
  std::optional<std::string> signal;
  std::optional<bool> core;
  std::optional<double> cpu_percent;
  std::optional<std::int64_t> cpu_user_ms, cpu_system_ms, rss_bytes, max_rss_bytes;
};

// REQUIRES that the instance is recorded. The row points into `facts.state`.
InstanceRow row_of(const Facts& facts, const std::string& name, Now now);

}  // namespace dm::master
