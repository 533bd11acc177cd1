// master/view/views.h - rows as people and as programs read them. Pure: never looks anything up.
#pragma once

#include <string>
#include <vector>

#include "common/clock.h"
#include "master/observed/reports.h"
#include "master/observed/roster.h"
#include "master/view/instance_row.h"

namespace dm::master {

// One worker; `available`: it takes new work.
struct WorkerRow {
  const WorkerView* view = nullptr;
  bool available = false;
};
std::string show_workers(const std::vector<WorkerRow>& workers, Now now, bool json);
std::string show_instances(const std::vector<InstanceRow>& rows, Now now, bool json);

// `describe --json`: the keys of the listing, and what only one is asked for.
std::string instance_details(const InstanceRow& row);
struct WorkerDetails {
  std::string id, refused;  // why it takes no new work; empty: it does
  std::vector<std::string> running, foreign;
};
std::string worker_details(const WorkerRow& worker, Now now, const WorkerDetails& details);

// One line of `usage`: an instance, or a worker as a whole.
struct UsageRow {
  std::string instance, worker;  // instance is empty for the worker itself
  std::int64_t wall_ms = 0;      // 0: now
  std::optional<double> cpu_percent;
  std::optional<std::int64_t> cpu_user_ms, cpu_system_ms, rss_bytes, max_rss_bytes;
  // A worker's: how many children of its supervisor have ended.
  std::optional<std::int64_t> reaped = {};
};
std::string show_usage(const std::vector<UsageRow>& rows, bool with_time, bool json);

// `describe`: pairs of a label and a value, the values escaped.
using Description = std::vector<std::pair<std::string, std::string>>;
std::string show_description(const Description& description);

std::string percent(const std::optional<double>& value);  // "12.5", "-" if absent

}  // namespace dm::master
