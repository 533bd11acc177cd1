#include "common/journal.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <utility>

#include "common/crc32c.h"

namespace dm {
namespace {

std::string hex8(std::uint32_t value) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%08x", value);
  return text.data();
}

Error bad(std::string why) {
  return fail(Code::kBadLine, std::move(why));
}

// So far below the largest number that no sum of them overflows.
bool is_number_of_a_record(std::int64_t seq) {
  constexpr std::int64_t kMost = 10'000'000'000'000;
  return seq >= 0 && seq < kMost;
}

// True if any whole record stands in `text`, whatever its number.
bool holds_a_record(std::string_view text) {
  while (true) {
    const std::size_t newline = text.find('\n');
    if (newline == std::string_view::npos) return false;
    if (open_record(text.substr(0, newline))) return true;
    text.remove_prefix(newline + 1);
  }
}

// A write that was cut leaves a part of a line, or a block of zeros where data never arrived. A
// whole line that is no record was written whole and damaged later; so was the last byte of a
// record that is whole but for it.
bool is_torn(std::string_view rest) {
  if (rest.find('\0') != std::string_view::npos) return !holds_a_record(rest);
  if (rest.find('\n') != std::string_view::npos) return false;
  return !open_record(rest.substr(0, rest.size() - 1));
}

Status check_head(const Line& line, std::string_view kind) {
  if (line.verb() != "JOURNAL") return bad("not a journal");
  if (line.text("kind") != kind)
    return bad("a journal of kind '" + std::string(line.text("kind")) + "', not '" +
               std::string(kind) + "'");
  const std::int64_t format = line.number_or("format", 0);
  if (format < kOldestFormat || format > kJournalFormat)
    return bad("format " + std::string(line.text("format")) + ", this version reads format " +
               std::to_string(kJournalFormat));
  return {};
}

// One pass over a whole text.
class Scanner {
 public:
  Scanner(std::string_view kind, const TakeRecord& take) : kind_(kind), take_(take) {}

  JournalScan scan(std::string_view text) {
    while (at_ < text.size()) {
      const std::size_t newline = text.find('\n', at_);
      const bool whole = newline != std::string_view::npos;
      const std::string_view row = text.substr(at_, whole ? newline - at_ : std::string_view::npos);
      const auto record = whole ? open_record(row) : Result<SealedRecord>(bad("no end of line"));
      if (!record) return stop(outcome_of_bad(text.substr(at_), whole), record.error().message);
      const bool before_tail = at_ == 0 || in_snapshot_;
      const Status taken = at_ == 0 ? take_head(*record) : take_record(*record);
      if (!taken)
        return stop(at_ == 0 ? Outcome::kForeign : Outcome::kDamaged, taken.error().message);
      at_ = newline + 1;
      scan_.good_bytes = static_cast<std::int64_t>(at_);
      if (before_tail) tail_at_ = scan_.good_bytes;
      scan_.tail_bytes = scan_.good_bytes - tail_at_;
    }
    if (in_snapshot_) return stop(Outcome::kDamaged, "the snapshot has no end");
    return scan_;
  }

 private:
  using Outcome = JournalScan::Outcome;

  JournalScan stop(Outcome outcome, std::string why) {
    scan_.outcome = outcome;
    scan_.why = std::move(why);
    return scan_;
  }

  Outcome outcome_of_bad(std::string_view rest, bool whole) const {
    if (at_ == 0 && whole) return Outcome::kForeign;
    return is_torn(rest) && !in_snapshot_ ? Outcome::kTorn : Outcome::kDamaged;
  }

  Status take_head(const SealedRecord& record) {
    if (auto head = check_head(record.line, kind_); !head) return head;
    scan_.format = record.line.number_or("format", 0);
    in_snapshot_ = record.line.number_or("snapshot", 0) != 0;
    return {};
  }

  Status take_record(const SealedRecord& record) {
    std::int64_t& expected = in_snapshot_ ? next_in_snapshot_ : scan_.next_seq;
    if (record.seq != expected)
      return bad("record " + std::to_string(expected) + " is missing, " +
                 std::to_string(record.seq) + " stands here");
    if (in_snapshot_ && record.line.verb() == "SNAPSHOT") return end_snapshot(record);
    if (auto taken = take_(record.line, in_snapshot_ ? 0 : record.seq); !taken) return taken;
    ++scan_.records;
    ++expected;
    return {};
  }

  Status end_snapshot(const SealedRecord& record) {
    const std::int64_t next = record.line.number_or("next", 0);
    if (record.line.number_or("records", -1) != scan_.records || next < 1 ||
        !is_number_of_a_record(next - 1))
      return bad("the end of the snapshot does not fit it");
    in_snapshot_ = false;
    scan_.next_seq = next;
    return {};
  }

  std::string_view kind_;
  const TakeRecord& take_;
  JournalScan scan_;
  std::size_t at_ = 0;
  bool in_snapshot_ = false;
  std::int64_t next_in_snapshot_ = 1;
  std::int64_t tail_at_ = 0;
};

}  // namespace

std::string seal_record(const Line& record, std::int64_t seq) {
  std::string text = record.print();
  text.pop_back();
  const std::string length = std::to_string(text.size());
  text += " seq=" + std::to_string(seq) + " len=" + length;
  text += " crc=" + hex8(crc32c(text)) + "\n";
  return text;
}

Result<SealedRecord> open_record(std::string_view text) {
  const std::size_t crc_at = text.rfind(" crc=");
  if (crc_at == std::string_view::npos) return bad("no checksum");
  if (text.substr(crc_at + 5) != hex8(crc32c(text.substr(0, crc_at))))
    return bad("the checksum does not fit");
  const std::size_t seq_at = text.rfind(" seq=", crc_at);
  if (seq_at == std::string_view::npos) return bad("no sequence number");
  auto line = parse_line(text.substr(0, seq_at));
  if (!line) return line.error();
  const auto tail = parse_line("T" + std::string(text.substr(seq_at, crc_at - seq_at)));
  if (!tail || !is_number_of_a_record(tail->number_or("seq", -1))) return bad("no sequence number");
  if (tail->number_or("len", -1) != static_cast<std::int64_t>(seq_at))
    return bad("the length does not fit");
  return SealedRecord{std::move(*line), tail->number_or("seq", 0)};
}

JournalScan scan_journal(std::string_view text, std::string_view kind, const TakeRecord& take) {
  return Scanner(kind, take).scan(text);
}

JournalSalvage salvage_journal(std::string_view text) {
  JournalSalvage salvage;
  std::int64_t expected = 0;
  std::vector<Line>* part = &salvage.tail;
  while (!text.empty()) {
    const std::size_t newline = text.find('\n');
    const std::string_view row = text.substr(0, newline);
    auto record = open_record(row);
    if (!record) {
      ++salvage.lost_lines;
      salvage.lost_bytes += static_cast<std::int64_t>(row.size());
    } else {
      salvage.missing += std::max<std::int64_t>(record->seq - expected, 0);
      expected = record->seq + 1;
      salvage.next_seq = std::max(salvage.next_seq, expected);
      const std::string verb = record->line.verb();
      if (verb == "JOURNAL") {
        if (record->line.number_or("snapshot", 0) != 0) part = &salvage.snapshot;
      } else if (verb == "SNAPSHOT") {
        // If the head is lost, what stood before was taken for a tail.
        std::move(salvage.tail.begin(), salvage.tail.end(), std::back_inserter(salvage.snapshot));
        salvage.tail.clear();
        part = &salvage.tail;
        const std::int64_t next = record->line.number_or("next", 1);
        if (next >= 1 && is_number_of_a_record(next - 1)) expected = next;
        salvage.next_seq = std::max(salvage.next_seq, expected);
      } else {
        part->push_back(std::move(record->line));
      }
    }
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
  }
  // Of damaged numbers there may be fewer than records.
  salvage.next_seq = std::max(salvage.next_seq, static_cast<std::int64_t>(salvage.tail.size()) + 1);
  return salvage;
}

Line journal_head(std::string_view kind, bool snapshot) {
  Line head("JOURNAL");
  head.add("format", kJournalFormat).add("kind", kind);
  if (snapshot) head.add("snapshot", 1);
  return head;
}

Line snapshot_end(std::int64_t records, std::int64_t next) {
  return Line("SNAPSHOT").add("records", records).add("next", next);
}

std::string print_journal(std::string_view kind, const std::vector<Line>& snapshot,
                          const std::vector<Line>& tail, std::int64_t next_seq) {
  const auto count = static_cast<std::int64_t>(snapshot.size());
  const std::int64_t first = next_seq - static_cast<std::int64_t>(tail.size());
  const bool begins_with_snapshot = count > 0 || first != 1;
  std::string text = seal_record(journal_head(kind, begins_with_snapshot), 0);
  std::int64_t seq = 1;
  for (const Line& record : snapshot) text += seal_record(record, seq++);
  if (begins_with_snapshot) text += seal_record(snapshot_end(count, first), seq);
  seq = first;
  for (const Line& record : tail) text += seal_record(record, seq++);
  return text;
}

}  // namespace dm
