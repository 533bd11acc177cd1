// master/logs/run_history.h - the audit trail: which records belong to it, and the runs that it
// tells of, picked and shown. Pure: lines come from wherever they stand.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "common/journal.h"
#include "master/state/state.h"

namespace dm::master {

// Does the record outlive the state it changed? (`row`: as it stands in the file.)
bool is_audit(std::string_view row);

// The text of a segment (JOURNAL.md), as a whole.
struct SegmentScan {
  std::string why;              // what is wrong with it first; empty: nothing
  std::int64_t good_bytes = 0;  // before that
  std::int64_t records = 0;
  std::int64_t last_seq = 0;  // the highest number that was read
};
// `first`: the number it is named by; `after`: the last one of the segment before it.
SegmentScan scan_segment(std::string_view text, std::int64_t first, std::int64_t after);

struct HistoryFilter {
  std::string name;                // an app or an instance; empty: all
  std::int64_t since_wall_ms = 0;  // that ended at or after it
  std::int64_t from = 0;           // the number of the first record that was not cut
  std::int64_t most = INT64_MAX;   // the newest
  bool json = false;
};

// One run that has ended.
struct RunRow {
  std::string instance, worker;
  std::string replaces;  // the instance whose place it took; empty: none
  RunEnd end;
};

// Picks rows. Holds at most about 12 MiB of them, which is what one answer may be long.
class HistoryReader {
 public:
  explicit HistoryReader(HistoryFilter filter) : filter_(std::move(filter)) {}

  // The next line of a file, without its newline. One of the number of the last that was whole, or
  // of a smaller one, is known already and left out.
  void take(std::string_view row);

  const std::deque<RunRow>& rows() const { return rows_; }  // in the order of their records
  std::int64_t older() const { return older_; }      // that fit, but were too many to be held
  std::int64_t damaged() const { return damaged_; }  // lines that are no records

 private:
  bool fits(const RunRow& row, const Line& record) const;

  HistoryFilter filter_;
  std::deque<RunRow> rows_;
  std::int64_t last_seq_ = 0, older_ = 0, damaged_ = 0;
  std::size_t held_ = 0;
};

std::string show_history(const std::deque<RunRow>& rows, bool json);

}  // namespace dm::master
