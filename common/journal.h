// common/journal.h - the text of a journal, of either side: one codec line a record, each with its
// sequence number, its length and a CRC-32C. Pure: never touches a file.
//
//   JOURNAL format=1 kind=worker seq=0 len=30 crc=1c291ca3
//   RUN instance=web.1 run=1 seq=1 len=24 crc=...
//
// len counts the bytes before " seq=", crc covers everything before " crc=" (RFC 3720's CRC-32C).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/codec.h"

namespace dm {

inline constexpr int kJournalFormat = 1;

// The record as it stands in the file, with its newline.
std::string seal_record(const Line& record, std::int64_t seq);

struct SealedRecord {
  Line line;  // without seq, len and crc
  std::int64_t seq = 0;
};
// Errors: bad-line, with what does not fit.
Result<SealedRecord> open_record(std::string_view text);

// What a whole file turned out to be.
struct JournalScan {
  enum class Outcome {
    kWhole,    // every byte belongs to a record
    kTorn,     // the last write was cut: `good_bytes` are whole, the rest is no record
    kDamaged,  // a record in the middle is bad, or one is missing: `why` at `good_bytes`
    kForeign,  // not a journal of this kind, or of a newer format
  };
  Outcome outcome = Outcome::kWhole;
  std::int64_t good_bytes = 0;
  std::int64_t records = 0;  // the version line not counted
  std::int64_t next_seq = 0;
  std::string why;
};

// Reads the whole text of a journal and hands each record to `take`, which may refuse it.
// A bad end is a torn write, and normal, if no whole record stands behind it.
JournalScan scan_journal(std::string_view text, std::string_view kind,
                         const std::function<Status(const Line&)>& take);

// What can be saved of a damaged journal: every record that is whole, wherever it stands.
struct JournalSalvage {
  std::vector<Line> records;    // the version line left out
  std::int64_t lost_lines = 0;  // lines that are no records
  std::int64_t lost_bytes = 0;
  std::int64_t missing = 0;  // numbers that no record has
};
JournalSalvage salvage_journal(std::string_view text);

// The first line of a journal.
Line journal_head(std::string_view kind);

}  // namespace dm
