// common/journal.h - the text of a journal, of either side: one codec line a record, each with its
// sequence number, its length and a CRC-32C. Pure: never touches a file.
//
//   JOURNAL format=2 kind=worker snapshot=1 seq=0 len=41 crc=...
//   INSTANCE instance=web.1 ... seq=1 len=90 crc=...     the snapshot: numbered 1 to N,
//   SNAPSHOT records=1 next=812 seq=2 len=27 crc=...     and ended by this
//   RUN instance=web.1 run=1 seq=812 len=24 crc=...      the tail: its numbers go on for ever
//
// len counts the bytes before " seq=", crc covers everything before " crc=" (RFC 3720's CRC-32C).
// Without snapshot=1 there is no snapshot, and the tail begins with 1.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/codec.h"

namespace dm {

inline constexpr int kJournalFormat = 2;
inline constexpr int kOldestFormat = 1;  // still read: a tail alone

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
  std::int64_t format = 0;
  std::int64_t good_bytes = 0;
  std::int64_t tail_bytes = 0;  // of them behind the snapshot
  std::int64_t records = 0;     // the first line and the snapshot's end not counted
  std::int64_t next_seq = 1;    // of the next record of the tail
  std::string why;
};

// Takes one record, or refuses it. `seq` is its number in the tail, 0 for one of the snapshot.
using TakeRecord = std::function<Status(const Line& record, std::int64_t seq)>;

// Reads the whole text of a journal and hands each record to `take`. A bad end is a torn write,
// and normal, if no whole record stands behind it; not within the snapshot, which was written whole
// before the file got its name.
JournalScan scan_journal(std::string_view text, std::string_view kind, const TakeRecord& take);

// What can be saved of a damaged journal: every record that is whole, wherever it stands. What
// belongs to a snapshot whose end is lost is no tail.
struct JournalSalvage {
  std::vector<Line> snapshot, tail;
  std::int64_t next_seq = 1;    // above every number that was read
  std::int64_t lost_lines = 0;  // lines that are no records
  std::int64_t lost_bytes = 0;
  std::int64_t missing = 0;  // numbers that no record has
};
JournalSalvage salvage_journal(std::string_view text);

// The first line of a journal; with `snapshot`, of one that begins with a snapshot.
Line journal_head(std::string_view kind, bool snapshot = false);
// What ends a snapshot of so many records; the tail begins with `next`.
Line snapshot_end(std::int64_t records, std::int64_t next);

// A whole journal: the snapshot, if there is any, and a tail whose last number is `next_seq` - 1.
std::string print_journal(std::string_view kind, const std::vector<Line>& snapshot,
                          const std::vector<Line>& tail, std::int64_t next_seq);

}  // namespace dm
