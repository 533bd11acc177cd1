#include "common/journal.h"

#include <limits>

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
  return scan_journal(text, "worker", [&](const Line& line, std::int64_t) -> Status {
    if (runs) *runs += std::string(line.text("run")) + " ";
    return {};
  });
}

Line run(int number) {
  return Line("RUN").add("instance", "web.1").add("run", number);
}

// A snapshot of two records and a tail of two that begins with 40.
std::string shortened() {
  return print_journal("worker", {run(1), run(2)}, {run(40), run(41)}, 42);
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
  REQUIRE(salvage.tail.size() == 3);
  CHECK_EQ(salvage.tail[1].text("run"), "3");
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
  CHECK(scan_journal(text, "master", [](const Line&, std::int64_t) { return Status(); }).outcome ==
        Outcome::kForeign);
  CHECK(scan(seal_record(Line("JOURNAL").add("format", 3).add("kind", "worker"), 0)).outcome ==
        Outcome::kForeign);
  CHECK(scan("").outcome == Outcome::kWhole);
}

TEST(journal_numbers_of_the_tail_go_on_behind_a_snapshot) {
  std::string numbers;
  const std::string text = shortened();
  const JournalScan result =
      scan_journal(text, "worker", [&](const Line& line, std::int64_t seq) -> Status {
        numbers += std::string(line.text("run")) + ":" + std::to_string(seq) + " ";
        return {};
      });
  CHECK(result.outcome == Outcome::kWhole);
  CHECK_EQ(numbers, "1:0 2:0 40:40 41:41 ");
  CHECK_EQ(result.next_seq, 42);
  CHECK_EQ(result.records, 4);
  CHECK_EQ(result.tail_bytes,
           static_cast<std::int64_t>(text.size() - text.find("RUN instance=web.1 run=40")));
  CHECK_EQ(scan(print_journal("worker", {}, {}, 7)).next_seq, 7);
  CHECK_EQ(scan(print_journal("worker", {}, {}, 1)).next_seq, 1);
}

TEST(journal_snapshot_cut_anywhere_is_damage_and_a_tail_is_torn) {
  const std::string text = shortened();
  const std::size_t head = text.find('\n') + 1;
  const std::size_t tail = text.find("RUN instance=web.1 run=40");
  for (std::size_t cut = head; cut < text.size(); ++cut) {
    const Outcome outcome = scan(text.substr(0, cut)).outcome;
    if (cut < tail)
      CHECK(outcome == Outcome::kDamaged);
    else
      CHECK(outcome == Outcome::kTorn || text[cut - 1] == '\n');
  }
  // Its end counts what stands before it.
  const std::string record = seal_record(run(1), 1), more = seal_record(run(2), 2);
  const std::string with_head = seal_record(journal_head("worker", true), 0) + record;
  CHECK(scan(with_head + seal_record(snapshot_end(1, 9), 2)).outcome == Outcome::kWhole);
  CHECK(scan(with_head + seal_record(snapshot_end(2, 9), 2)).outcome == Outcome::kDamaged);
  CHECK(scan(with_head + more + seal_record(snapshot_end(1, 9), 3)).outcome == Outcome::kDamaged);
  CHECK(scan(with_head + seal_record(snapshot_end(1, 9), 2) + seal_record(run(3), 10)).outcome ==
        Outcome::kDamaged);
}

TEST(journal_of_the_format_before_is_a_tail_alone) {
  const std::string old = seal_record(Line("JOURNAL").add("format", 1).add("kind", "worker"), 0) +
                          seal_record(run(1), 1) + seal_record(run(2), 2);
  const JournalScan result = scan(old);
  CHECK(result.outcome == Outcome::kWhole);
  CHECK_EQ(result.format, 1);
  CHECK_EQ(result.next_seq, 3);
}

TEST(journal_salvage_keeps_snapshot_and_tail_apart) {
  const std::string text = shortened();
  JournalSalvage salvage = salvage_journal(text);
  CHECK_EQ(salvage.snapshot.size(), 2U);
  CHECK_EQ(salvage.tail.size(), 2U);
  CHECK_EQ(salvage.next_seq, 42);
  CHECK_EQ(salvage.missing, 0);
  // What was repaired is whole, and goes on counting where the damaged one would have.
  CHECK_EQ(print_journal("worker", salvage.snapshot, salvage.tail, salvage.next_seq), text);
  // Without the head the end of the snapshot says what it was; without its end all is a snapshot.
  salvage = salvage_journal(text.substr(5));
  CHECK_EQ(salvage.snapshot.size(), 2U);
  CHECK_EQ(salvage.tail.size(), 2U);
  std::string endless = text;
  endless[text.find("SNAPSHOT")] = 'X';
  salvage = salvage_journal(endless);
  CHECK_EQ(salvage.snapshot.size(), 4U);
  CHECK_EQ(scan(print_journal("worker", salvage.snapshot, salvage.tail, salvage.next_seq)).next_seq,
           42);
}

TEST(journal_numbers_that_no_count_reaches_are_none) {
  const std::string head = seal_record(journal_head("worker"), 0);
  for (const std::int64_t seq : {std::int64_t{-5}, std::numeric_limits<std::int64_t>::max()}) {
    const JournalSalvage salvage = salvage_journal(head + seal_record(run(1), seq));
    CHECK_EQ(salvage.lost_lines, 1);
    CHECK_EQ(salvage.next_seq, 1);
  }
  // More records than their numbers say: what is repaired still reads.
  const JournalSalvage salvage =
      salvage_journal(head + seal_record(run(1), 0) + seal_record(run(2), 0));
  CHECK_EQ(salvage.tail.size(), 2U);
  CHECK(scan(print_journal("worker", salvage.snapshot, salvage.tail, salvage.next_seq)).outcome ==
        Outcome::kWhole);
}
