#include "master/view/views.h"

#include <algorithm>
#include <cstdio>

#include "common/escape.h"
#include "common/json.h"
#include "common/table.h"
#include "common/units.h"

namespace dm::master {
namespace {

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string number(const std::optional<std::int64_t>& value) {
  return value ? std::to_string(*value) : "-";
}

std::string bytes(const std::optional<std::int64_t>& value) {
  return value ? print_bytes_short(*value) : "-";
}

std::string seconds(const std::optional<std::int64_t>& ms) {
  if (!ms) return "-";
  char text[48];
  std::snprintf(text, sizeof text, "%.2f", static_cast<double>(*ms) / 1000);
  return text;
}

std::string age(std::int64_t ms) {
  return ms < 10'000 ? decimal(static_cast<double>(ms) / 1000) + "s" : print_duration(ms);
}

std::optional<std::string> time_of(const std::optional<std::int64_t>& wall_ms) {
  return wall_ms ? std::optional(print_time_utc(*wall_ms)) : std::nullopt;
}

std::optional<std::string> present(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text.append(line).append("\n");
  return text;
}

bool is_measured(const WorkerView& worker) {
  return worker.cpu_percent || worker.mem_total_bytes;
}

JsonObject worker_object(const WorkerRow& row, Now now) {
  const WorkerView& worker = *row.view;
  JsonObject object;
  object.add("name", std::string_view(worker.name));
  object.add("state", word(worker.presence));
  object.add_bool("available", row.available).add_bool("cordoned", worker.cordoned);
  object.add("address", present(worker.address));
  object.add_number("heartbeat_age_ms", now.mono_ms - worker.last_beat_mono_ms);
  object.add_decimal("cpu_percent", worker.cpu_percent, 1);
  object.add("mem_used_bytes", worker.mem_used_bytes);
  object.add("mem_total_bytes", worker.mem_total_bytes);
  object.add("disk_free_bytes", worker.disk_free_bytes);
  object.add_decimal("load", is_measured(worker) ? std::optional(worker.load()) : std::nullopt, 1);
  object.add_number("instances", worker.instances);
  return object.add("version", present(worker.version)).add("arch", present(worker.arch));
}

JsonObject instance_object(const InstanceRow& row) {
  const Placement& placement = *row.placement;
  JsonObject object;
  object.add("instance", std::string_view(row.name));
  object.add("app", std::string_view(placement.app));
  object.add("version", present(placement.version));
  object.add("worker", std::string_view(placement.worker));
  object.add("pid", row.pid).add("state", std::string_view(row.state));
  object.add("desired", placement.desired == Desired::kRunning ? "running" : "stopped");
  object.add_number("run", row.run).add_number("restarts", row.restarts);
  object.add("started_at", time_of(row.started_ms)).add("ended_at", time_of(row.ended_ms));
  object.add("exit_code", row.exit_code).add("signal", row.signal).add("core", row.core);
  object.add("reason", present(row.reason)).add_decimal("cpu_percent", row.cpu_percent, 1);
  object.add("cpu_user_ms", row.cpu_user_ms).add("cpu_system_ms", row.cpu_system_ms);
  return object.add("rss_bytes", row.rss_bytes).add("max_rss_bytes", row.max_rss_bytes);
}

std::string uptime(const InstanceRow& row, Now now) {
  if (!row.alive || !row.started_ms) return "-";
  return print_duration(std::max<std::int64_t>(now.wall_ms - *row.started_ms, 0));
}

// An upgrade of a worker is no loss: what runs there most likely goes on.
std::string state_cell(const InstanceRow& row) {
  return row.away.empty() ? row.state : row.state + " (" + row.away + ")";
}

}  // namespace

std::string percent(const std::optional<double>& value) {
  return value ? decimal(*value) : "-";
}

std::string show_workers(const std::vector<WorkerRow>& workers, Now now, bool json) {
  std::string text;
  Table table({{"NAME"},
               {"STATE"},
               {"ADDRESS"},
               {"BEAT", Align::kRight},
               {"CPU%", Align::kRight},
               {"MEM%", Align::kRight},
               {"LOAD", Align::kRight},
               {"INST", Align::kRight}});
  for (const WorkerRow& row : workers) {
    const WorkerView* worker = row.view;
    if (json) {
      text += worker_object(row, now).print() + "\n";
      continue;
    }
    table.add_row({worker->name,
                   std::string(word(worker->presence)) + (worker->cordoned ? ",cordoned" : "") +
                       (worker->disk_low ? ",disk-low" : ""),
                   worker->address.empty() ? "-" : worker->address,
                   age(now.mono_ms - worker->last_beat_mono_ms), percent(worker->cpu_percent),
                   worker->mem_total_bytes ? decimal(worker->mem_percent()) : "-",
                   is_measured(*worker) ? decimal(worker->load()) : "-",
                   std::to_string(worker->instances)});
  }
  return json ? text : joined(table.lines());
}

std::string show_instances(const std::vector<InstanceRow>& rows, Now now, bool json) {
  std::string text;
  Table table({{"INSTANCE"},
               {"WORKER"},
               {"PID", Align::kRight},
               {"STATE"},
               {"UPTIME", Align::kRight},
               {"RESTARTS", Align::kRight},
               {"CPU%", Align::kRight},
               {"RSS", Align::kRight},
               {"REASON"}});
  for (const InstanceRow& row : rows) {
    if (json) {
      text += instance_object(row).print() + "\n";
      continue;
    }
    table.add_row({row.name, row.placement->worker, number(row.pid), state_cell(row),
                   uptime(row, now), std::to_string(row.restarts), percent(row.cpu_percent),
                   bytes(row.rss_bytes), row.reason.empty() ? "-" : row.reason});
  }
  return json ? text : joined(table.lines());
}

std::string instance_details(const InstanceRow& row) {
  const Placement& placement = *row.placement;
  JsonObject object = instance_object(row);
  object.add("restart", word(placement.restart));
  object.add("on_lost", word(placement.on_lost)).add_bool("pinned", placement.pinned);
  object.add("lease_ms", placement.lease_ms > 0 ? std::optional(placement.lease_ms) : std::nullopt);
  object.add("replaces", present(placement.replaces));
  object.add("superseded_by", present(placement.superseded_by));
  object.add("quarantined", present(placement.quarantined));
  object.add("created_at", print_time_utc(placement.created_ms));
  object.add("who", present(placement.who));
  object.add_list("args", placement.args).add_list("env", placement.env);
  return object.print() + "\n";
}

std::string worker_details(const WorkerRow& row, Now now, const WorkerDetails& details) {
  const WorkerView& worker = *row.view;
  JsonObject object = worker_object(row, now);
  object.add("id", present(details.id)).add("refused", present(details.refused));
  object.add_bool("disk_low", worker.disk_low);
  object.add("os", present(worker.os)).add("glibc", present(worker.glibc));
  object.add("cpus", worker.cpus > 0 ? std::optional(worker.cpus) : std::nullopt);
  object.add_list("labels", worker.labels).add_list("running", details.running);
  return object.add_list("foreign", details.foreign).print() + "\n";
}

namespace {

std::string usage_object(const UsageRow& row, bool with_time) {
  JsonObject object;
  object.add("instance", present(row.instance)).add("worker", std::string_view(row.worker));
  if (with_time) object.add("time", print_time_utc(row.wall_ms));
  object.add_decimal("cpu_percent", row.cpu_percent, 1);
  object.add("cpu_user_ms", row.cpu_user_ms).add("cpu_system_ms", row.cpu_system_ms);
  object.add("rss_bytes", row.rss_bytes).add("max_rss_bytes", row.max_rss_bytes);
  return object.add("reaped", row.reaped).print() + "\n";
}

}  // namespace

std::string show_usage(const std::vector<UsageRow>& rows, bool with_time, bool json) {
  if (json) {
    std::string text;
    for (const UsageRow& row : rows) text += usage_object(row, with_time);
    return text;
  }
  std::vector<Column> columns = {{"INSTANCE"},
                                 {"WORKER"},
                                 {"CPU%", Align::kRight},
                                 {"USER", Align::kRight},
                                 {"SYSTEM", Align::kRight},
                                 {"RSS", Align::kRight},
                                 {"MAXRSS", Align::kRight}};
  if (with_time) columns.insert(columns.begin(), Column{"TIME"});
  Table table(columns);
  // Of a worker the memory is the machine's, and the times are those of processes that have ended.
  Table machines({{"WORKER"},
                  {"CPU%", Align::kRight},
                  {"MEMORY", Align::kRight},
                  {"REAPED", Align::kRight},
                  {"THEIR USER", Align::kRight},
                  {"SYSTEM", Align::kRight},
                  {"MAXRSS", Align::kRight}});
  bool has_machine = false;
  for (const UsageRow& row : rows) {
    if (row.instance.empty()) {
      has_machine = true;
      machines.add_row({row.worker, percent(row.cpu_percent), bytes(row.rss_bytes),
                        row.reaped ? std::to_string(*row.reaped) : "-", seconds(row.cpu_user_ms),
                        seconds(row.cpu_system_ms), bytes(row.max_rss_bytes)});
      continue;
    }
    std::vector<std::string> cells = {row.instance,
                                      row.worker,
                                      percent(row.cpu_percent),
                                      seconds(row.cpu_user_ms),
                                      seconds(row.cpu_system_ms),
                                      bytes(row.rss_bytes),
                                      bytes(row.max_rss_bytes)};
    if (with_time) cells.insert(cells.begin(), print_time_utc(row.wall_ms));
    table.add_row(std::move(cells));
  }
  return joined(table.lines()) + (has_machine ? "\n" + joined(machines.lines()) : "");
}

std::string show_description(const Description& description) {
  std::size_t widest = 0;
  for (const auto& [label, value] : description) widest = std::max(widest, label.size());
  std::string text;
  for (const auto& [label, value] : description) {
    text += label;
    if (!value.empty())
      text.append(":").append(widest - label.size() + 1, ' ').append(escape_for_terminal(value));
    text += '\n';
  }
  return text;
}

}  // namespace dm::master
