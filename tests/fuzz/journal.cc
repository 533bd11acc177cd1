// common/journal.h: any bytes at all; then a journal of the input's own records, cut and damaged.
#include "common/journal.h"

#include <algorithm>

#include "tests/fuzz/target.h"

using namespace dm;
using namespace dm::fuzz;

namespace {

using Outcome = JournalScan::Outcome;

struct Read {
  JournalScan scan;
  std::vector<std::string> records;
};

Read read(std::string_view text) {
  Read found;
  found.scan = scan_journal(text, "master", [&](const Line& line, std::int64_t) {
    found.records.push_back(line.print());
    return Status{};
  });
  return found;
}

std::vector<Line> all_of(const JournalSalvage& salvage) {
  std::vector<Line> records = salvage.snapshot;
  records.insert(records.end(), salvage.tail.begin(), salvage.tail.end());
  return records;
}

// What holds of every text.
Read check_any(std::string_view text) {
  Read found = read(text);
  const JournalScan& scan = found.scan;
  const auto good = static_cast<std::size_t>(scan.good_bytes);
  const bool whole = scan.outcome == Outcome::kWhole;
  CHECK(good <= text.size() && scan.tail_bytes <= scan.good_bytes);
  CHECK(!whole || good == text.size());
  CHECK_EQ(scan.why.empty(), whole);
  CHECK_EQ(static_cast<std::size_t>(scan.records), found.records.size());
  if (whole || scan.outcome == Outcome::kTorn) {
    // Once a torn end is cut off the rest reads as the same records.
    const Read kept = read(text.substr(0, good));
    CHECK(kept.scan.outcome == Outcome::kWhole);
    CHECK(kept.records == found.records);
    CHECK_EQ(kept.scan.next_seq, scan.next_seq);
  }

  const JournalSalvage salvage = salvage_journal(text);
  const std::size_t saved = salvage.snapshot.size() + salvage.tail.size();
  CHECK(saved >= found.records.size());
  CHECK(salvage.lost_bytes <= static_cast<std::int64_t>(text.size()));
  if (whole) CHECK_EQ(salvage.lost_lines, 0);
  // What --repair writes is a journal.
  const Read repaired =
      read(print_journal("master", salvage.snapshot, salvage.tail, salvage.next_seq));
  CHECK(repaired.scan.outcome == Outcome::kWhole);
  CHECK_EQ(repaired.records.size(), saved);
  CHECK_EQ(repaired.scan.next_seq, salvage.next_seq);
  return found;
}

bool is_beginning(const std::vector<std::string>& part, const std::vector<std::string>& whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

// In order, with gaps.
bool is_selection(const std::vector<Line>& part, const std::vector<std::string>& whole) {
  std::size_t at = 0;
  for (const Line& line : part) {
    while (at < whole.size() && whole[at] != line.print()) ++at;
    if (at++ >= whole.size()) return false;
  }
  return true;
}

// A snapshot was written whole before the file got its name; only behind it can a write be torn.
void check_torn(const Read& found, const std::vector<std::string>& records, bool in_snapshot) {
  CHECK(in_snapshot || found.scan.outcome == Outcome::kWhole ||
        found.scan.outcome == Outcome::kTorn);
  CHECK(is_beginning(found.records, records));
}

void check_damage(const std::string& text, std::int64_t tail_bytes,
                  const std::vector<std::string>& records, Dice& dice) {
  const std::size_t cut = dice.below(text.size() + 1);
  const bool in_snapshot = cut + static_cast<std::size_t>(tail_bytes) < text.size();
  check_torn(check_any(std::string_view(text).substr(0, cut)), records, in_snapshot);
  // Blocks that never reached the disk read as zeros.
  const std::string unwritten = text.substr(0, cut) + std::string(text.size() - cut, '\0');
  check_torn(check_any(unwritten), records, in_snapshot);

  std::string flipped = text;
  char& byte = flipped[dice.below(text.size())];
  byte = static_cast<char>(byte ^ (1 << dice.below(8)));
  const Read damaged = check_any(flipped);
  CHECK(damaged.scan.outcome != Outcome::kWhole);
  CHECK(is_beginning(damaged.records, records));
  CHECK(is_selection(all_of(salvage_journal(flipped)), records));
}

// Some verbs are the journal's own, and none of its records has a field crc: cut there, it would
// look whole.
bool may_stand(const Line& line) {
  return line.verb() != "JOURNAL" && line.verb() != "SNAPSHOT" && !line.has("crc");
}

}  // namespace

TARGET(journal) {
  check_any(input);
  Dice dice(input);
  std::vector<Line> lines;
  std::vector<std::string> records;
  for (const std::string_view row : rows_of(input))
    if (const auto line = parse_line(row); line && may_stand(*line)) {
      lines.push_back(*line);
      records.push_back(line->print());
    }
  const auto middle = lines.begin() + static_cast<std::ptrdiff_t>(dice.below(lines.size() + 1));
  const std::vector<Line> snapshot(lines.begin(), middle), tail(middle, lines.end());
  const auto next = static_cast<std::int64_t>(tail.size() + 1 + dice.below(50));
  const std::string text = print_journal("master", snapshot, tail, next);
  const Read found = check_any(text);
  CHECK(found.scan.outcome == Outcome::kWhole);
  CHECK(found.records == records);
  CHECK_EQ(found.scan.next_seq, next);
  CHECK(is_selection(all_of(salvage_journal(text)), records));
  check_damage(text, found.scan.tail_bytes, records, dice);
}
