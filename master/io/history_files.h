// master/io/history_files.h - the audit trail on disk: STATE/history holds, in segments, what a
// shortened journal no longer holds. Blocks: for helper threads. Decides nothing about what goes.
//
// A segment is named by the number of its first record, 20 digits. It begins with
// JOURNAL kind=history records=N runs=N; its records stand as they stood in the journal, sealed,
// with their numbers. It is written whole and never changed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/io/fd.h"
#include "common/result.h"

namespace dm::master {

// What retention takes away: the segments before a number, and what they held.
struct HistoryExcess {
  std::int64_t before = 0;  // 0: nothing
  std::int64_t runs = 0, records = 0, bytes = 0;
};

class HistoryFiles {
 public:
  // `segment_bytes`: how long a segment may be.
  HistoryFiles(std::string state, std::int64_t segment_bytes)
      : state_(std::move(state)), segment_bytes_(segment_bytes) {}

  using TakeRow = std::function<void(std::string_view row)>;  // one line without its newline

  // Copies the records of the audit trail that stand in the journal between two bytes and are not
  // here yet. Errors: system_error's, and a line that is no record; what was saved stays.
  Status save(int journal, std::int64_t from, std::int64_t until) const;

  // The segments whose name is at least `from`, oldest first, and the journal: as they are now,
  // whatever is saved or removed later.
  struct Opened {
    std::vector<Fd> segments;
    Fd journal;
    int unreadable = 0;  // segments
  };
  Opened open(std::int64_t from) const;
  // Hands over every line behind the first of each segment, and then of the journal's tail. What is
  // saved but still in the journal comes twice. Returns the number of segments that could not be
  // read.
  static int read(const Opened& opened, const TakeRow& take);

  // The newest segments that hold so many records together, oldest first; `older` gets the number
  // of records in those before them. The journal is not read. Returns like read().
  int read_newest(std::int64_t from, std::int64_t records, std::int64_t& older,
                  const TakeRow& take) const;

  // What must go, of the segments whose name is at least `from`, so that the rest of them has at
  // most so many bytes. The newest one always stays.
  HistoryExcess excess(std::int64_t from, std::int64_t most_bytes) const;
  void remove_before(std::int64_t seq) const;

  // Every segment read and compared with what it says of itself; the first flaw of each.
  struct Flaw {
    std::string path, why;
    std::int64_t offset = 0;
  };
  struct Checked {
    std::size_t segments = 0;
    std::int64_t records = 0;  // of the whole segments
    std::vector<Flaw> flaws;
  };
  Checked check() const;

  // Removes what a crash has left half written. Not while anything is saved.
  void sweep() const;

 private:
  struct Segment {
    std::int64_t first = 0, bytes = 0;
  };
  struct Counts {
    std::int64_t records = 0, runs = 0;
  };

  std::string directory() const { return state_ + "/history"; }
  std::string path(const Segment& segment) const;
  std::vector<Segment> list() const;
  Counts count(const Segment& segment) const;
  std::int64_t last_saved() const;
  Fd open_segment(const Segment& segment) const;
  Status write_segment(std::int64_t first, const Counts& counts, std::string_view rows) const;

  std::string state_;
  std::int64_t segment_bytes_;
};

}  // namespace dm::master
