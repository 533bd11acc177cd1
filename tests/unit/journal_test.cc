#include "common/journal.h"

#include "tests/unit/check.h"

using namespace dm;
using Outcome = JournalScan::Outcome;

namespace {

std::string sample(int records) {
  std::string text = seal_record(journal_head("worker"), 0);
  for (int i = 1; i <= records; ++i)
    text += seal_record(Line("RUN").add("instance", "web.1").add("run", i).add("x", " crc=1 "), i);
  return text;
}

JournalScan scan(std::string_view text, std::string* runs = nullptr) {
  return scan_journal(text, "worker", [&](const Line& line) -> Status {
    if (runs) *runs += std::string(line.text("run")) + " ";
    return {};
  });
}

}  // namespace

TEST(journal_reads_back_what_it_wrote) {
  std::string runs;
  const JournalScan result = scan(sample(3), &runs);
  CHECK(result.outcome == Outcome::kWhole);
  CHECK_EQ(runs, "1 2 3 ");
  CHECK_EQ(result.next_seq, 4);
}

TEST(journal_cut_at_every_byte_is_torn_and_keeps_what_is_whole) {
  const std::string text = sample(2);
  const std::size_t head = sample(0).size(), one = sample(1).size();
  for (std::size_t cut = head; cut < text.size(); ++cut) {
    const JournalScan result = scan(text.substr(0, cut));
    const bool at_border = cut == head || cut == one;
    CHECK(result.outcome == (at_border ? Outcome::kWhole : Outcome::kTorn));
    CHECK_EQ(result.good_bytes, static_cast<std::int64_t>(cut < one ? head : one));
  }
}

TEST(journal_flipped_bit_is_never_taken_for_a_record) {
  const std::string text = sample(3);
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string flipped = text;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    const JournalScan result = scan(flipped);
    CHECK(result.outcome != Outcome::kWhole);
    // It is damage and not a torn write, and is refused with its place.
    if (at > sample(0).size()) CHECK(result.outcome == Outcome::kDamaged);
    CHECK(result.good_bytes <= static_cast<std::int64_t>(at));
  }
}

TEST(journal_end_that_never_reached_the_disk_is_torn) {
  const std::string zeros(4096, '\0');
  const JournalScan result = scan(sample(2) + zeros + "un=3 seq=3\n");
  CHECK(result.outcome == Outcome::kTorn);
  CHECK_EQ(result.good_bytes, static_cast<std::int64_t>(sample(2).size()));
}

TEST(journal_salvage_keeps_every_whole_record) {
  std::string text = sample(4);
  text[sample(1).size() + 3] ^= 1;  // in record 2
  const JournalSalvage salvage = salvage_journal(text + "RUN inst");
  REQUIRE(salvage.records.size() == 3);
  CHECK_EQ(salvage.records[1].text("run"), "3");
  CHECK_EQ(salvage.lost_lines, 2);
  CHECK_EQ(salvage.missing, 1);
}

TEST(journal_missing_record_and_foreign_files_are_refused) {
  const std::string text = sample(3);
  const std::size_t one = sample(1).size(), two = sample(2).size();
  const JournalScan gap = scan(text.substr(0, one) + text.substr(two));
  CHECK(gap.outcome == Outcome::kDamaged);
  CHECK_EQ(gap.good_bytes, static_cast<std::int64_t>(one));
  CHECK(scan("hello\nworld\n").outcome == Outcome::kForeign);
  CHECK(scan_journal(text, "master", [](const Line&) { return Status(); }).outcome ==
        Outcome::kForeign);
  CHECK(scan(seal_record(Line("JOURNAL").add("format", 2).add("kind", "worker"), 0)).outcome ==
        Outcome::kForeign);
  CHECK(scan("").outcome == Outcome::kWhole);
}
