#include "common/journal.h"

#include <algorithm>
#include <array>
#include <cstdio>

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
  if (line.number_or("format", 0) != kJournalFormat)
    return bad("format " + std::string(line.text("format")) + ", this version reads format " +
               std::to_string(kJournalFormat));
  return {};
}

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
  if (!tail || !tail->number("seq")) return bad("no sequence number");
  if (tail->number_or("len", -1) != static_cast<std::int64_t>(seq_at))
    return bad("the length does not fit");
  return SealedRecord{std::move(*line), tail->number_or("seq", 0)};
}

JournalSalvage salvage_journal(std::string_view text) {
  JournalSalvage salvage;
  std::int64_t expected = 0;
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
      if (record->line.verb() != "JOURNAL") salvage.records.push_back(std::move(record->line));
    }
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
  }
  return salvage;
}

Line journal_head(std::string_view kind) {
  return Line("JOURNAL").add("format", kJournalFormat).add("kind", kind);
}

JournalScan scan_journal(std::string_view text, std::string_view kind,
                         const std::function<Status(const Line&)>& take) {
  JournalScan scan;
  const auto stop = [&](JournalScan::Outcome outcome, std::string why) {
    scan.outcome = outcome;
    scan.why = std::move(why);
    return scan;
  };
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t newline = text.find('\n', at);
    const bool whole = newline != std::string_view::npos;
    const std::string_view row = text.substr(at, whole ? newline - at : std::string_view::npos);
    const auto record = whole ? open_record(row) : Result<SealedRecord>(bad("no end of line"));
    if (!record) {
      if (at == 0 && whole) return stop(JournalScan::Outcome::kForeign, "not a journal");
      const bool torn = is_torn(text.substr(at));
      return stop(torn ? JournalScan::Outcome::kTorn : JournalScan::Outcome::kDamaged,
                  record.error().message);
    }
    if (at == 0) {
      if (auto head = check_head(record->line, kind); !head)
        return stop(JournalScan::Outcome::kForeign, head.error().message);
      scan.next_seq = record->seq;
    } else {
      if (record->seq != scan.next_seq)
        return stop(JournalScan::Outcome::kDamaged,
                    "record " + std::to_string(scan.next_seq) + " is missing, " +
                        std::to_string(record->seq) + " stands here");
      if (auto taken = take(record->line); !taken)
        return stop(JournalScan::Outcome::kDamaged, taken.error().message);
      ++scan.records;
    }
    ++scan.next_seq;
    at = newline + 1;
    scan.good_bytes = static_cast<std::int64_t>(at);
  }
  return scan;
}

}  // namespace dm
