#include "master/logs/run_history.h"

#include <algorithm>
#include <cstdio>

#include "common/json.h"
#include "common/table.h"
#include "common/units.h"

namespace dm::master {
namespace {

constexpr std::string_view kAuditVerbs[] = {"ENDED ", "COMMAND ", "EVENT "};
constexpr std::size_t kMostHeld = 12 * 1024 * 1024;
constexpr std::size_t kRowCost = 400;  // bytes of a row in JSON, its reason apart

std::string app_of(const std::string& instance) {
  return instance.substr(0, instance.rfind('.'));
}

std::size_t cost(const RunRow& row) {
  return kRowCost + 6 * row.end.reason.size();  // each byte as \u00xx
}

std::string exit_words(const RunEnd& end) {
  if (end.signal) return *end.signal + (end.core ? ",core" : "");
  return end.exit_code ? std::to_string(*end.exit_code) : "-";
}

std::optional<std::int64_t> duration_ms(const RunEnd& end) {
  if (!end.started_ms || !end.ended_ms) return std::nullopt;
  return std::max<std::int64_t>(*end.ended_ms - *end.started_ms, 0);
}

std::string seconds(std::int64_t ms) {
  char text[48];
  std::snprintf(text, sizeof text, "%.2f", static_cast<double>(ms) / 1000);
  return text;
}

std::string row_json(const RunRow& row) {
  const RunEnd& end = row.end;
  const auto time = [](const std::optional<std::int64_t>& wall_ms) {
    return wall_ms ? std::optional(print_time_utc(*wall_ms)) : std::nullopt;
  };
  JsonObject object;
  object.add("instance", std::string_view(row.instance));
  object.add("app", std::string_view(app_of(row.instance)));
  const auto present = [](const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
  };
  object.add("worker", present(row.worker)).add("replaces", present(row.replaces));
  object.add_number("run", end.run).add("pid", end.pid);
  object.add("started_at", time(end.started_ms)).add("ended_at", time(end.ended_ms));
  object.add("duration_ms", duration_ms(end));
  object.add("exit_code", end.exit_code).add("signal", end.signal).add_bool("core", end.core);
  object.add("reason", std::string_view(end.reason));
  object.add("cpu_user_ms", end.cpu_user_ms).add("cpu_system_ms", end.cpu_system_ms);
  object.add("max_rss_bytes", end.max_rss_bytes);
  return object.print() + "\n";
}

std::vector<std::string> row_cells(const RunRow& row) {
  const RunEnd& end = row.end;
  const auto ran = duration_ms(end);
  return {row.instance,
          std::to_string(end.run),
          row.worker.empty() ? "-" : row.worker,
          end.started_ms ? print_time_utc(*end.started_ms) : "-",
          ran ? (*ran < 10'000 ? seconds(*ran) + "s" : print_duration(*ran)) : "-",
          exit_words(end),
          end.cpu_user_ms ? seconds(*end.cpu_user_ms + end.cpu_system_ms.value_or(0)) : "-",
          end.max_rss_bytes ? print_bytes_short(*end.max_rss_bytes) : "-",
          end.reason.empty() ? "-" : end.reason};
}

// One pass over a segment; each returns what is wrong, or nothing.
struct SegmentReader {
  std::int64_t first, last, records = 0, runs = 0;
  Line head;

  std::string take_head(const SealedRecord& record) {
    if (record.line.verb() != "JOURNAL" || record.line.text("kind") != "history")
      return "no first line of a segment";
    head = record.line;
    return "";
  }
  std::string take(const SealedRecord& record, std::string_view row) {
    if (!is_audit(row)) return "a record that is none of the audit trail";
    if (records == 0 && record.seq != first)
      return "record " + std::to_string(first) + " is missing, " + std::to_string(record.seq) +
             " stands here";
    if (record.seq <= last) return "record " + std::to_string(record.seq) + " comes too late";
    last = record.seq;
    ++records;
    if (record.line.verb() == "ENDED") ++runs;
    return "";
  }
  std::string end() const {
    if (head.number_or("records", -1) == records && head.number_or("runs", -1) == runs) return "";
    return "it counts " + std::string(head.text("records", "no")) + " records and " +
           std::string(head.text("runs", "no")) + " runs, and has " + std::to_string(records) +
           " and " + std::to_string(runs);
  }
};

}  // namespace

SegmentScan scan_segment(std::string_view text, std::int64_t first, std::int64_t after) {
  SegmentScan scan;
  SegmentReader reader{first, after, 0, 0, Line()};
  std::size_t at = 0;
  for (std::size_t newline; scan.why.empty() && at < text.size(); at = newline + 1) {
    newline = text.find('\n', at);
    scan.good_bytes = static_cast<std::int64_t>(at);
    if (newline == std::string_view::npos) {
      scan.why = "no end of line";
      break;
    }
    const std::string_view row = text.substr(at, newline - at);
    const auto record = open_record(row);
    if (!record)
      scan.why = record.error().message;
    else
      scan.why = at == 0 ? reader.take_head(*record) : reader.take(*record, row);
  }
  if (scan.why.empty()) {
    scan.good_bytes = static_cast<std::int64_t>(text.size());
    scan.why = reader.end();
  }
  scan.records = reader.records;
  scan.last_seq = reader.last;
  return scan;
}

bool is_audit(std::string_view row) {
  return std::any_of(std::begin(kAuditVerbs), std::end(kAuditVerbs),
                     [&](std::string_view verb) { return row.starts_with(verb); });
}

void HistoryReader::take(std::string_view row) {
  const auto record = open_record(row);
  if (!record) return void(++damaged_);
  if (record->seq <= last_seq_) return;
  last_seq_ = record->seq;
  // It may stand in the journal still, although it was cut, and counted, where it was saved.
  if (record->seq < filter_.from || record->line.verb() != "ENDED") return;
  RunRow run{std::string(record->line.text("instance")), std::string(record->line.text("worker")),
             std::string(record->line.text("replaces")), parse_end(record->line)};
  if (!fits(run, record->line)) return;
  held_ += cost(run);
  rows_.push_back(std::move(run));
  const bool asked = static_cast<std::int64_t>(rows_.size()) > filter_.most;
  if (!asked && held_ <= kMostHeld) return;
  older_ += asked ? 0 : 1;
  held_ -= cost(rows_.front());
  rows_.pop_front();
}

bool HistoryReader::fits(const RunRow& row, const Line& record) const {
  if (!filter_.name.empty() && filter_.name != row.instance && filter_.name != app_of(row.instance))
    return false;
  const std::int64_t heard = record.number_or("at", 0);
  return row.end.ended_ms.value_or(heard) >= filter_.since_wall_ms;
}

std::string show_history(const std::deque<RunRow>& rows, bool json) {
  std::string text;
  if (json) {
    for (const RunRow& row : rows) text += row_json(row);
    return text;
  }
  Table table({{"INSTANCE"},
               {"RUN", Align::kRight},
               {"WORKER"},
               {"STARTED"},
               {"DURATION", Align::kRight},
               {"EXIT"},
               {"CPU", Align::kRight},
               {"MAXRSS", Align::kRight},
               {"REASON"}});
  for (const RunRow& row : rows) table.add_row(row_cells(row));
  for (const std::string& line : table.lines()) text.append(line).append("\n");
  return text;
}

}  // namespace dm::master
