#include "tests/sim/journal.h"

#include <algorithm>

namespace dm::sim {

SimJournal::SimJournal(Timeline& timeline, std::string kind)
    : timeline_(timeline), kind_(std::move(kind)) {
  replace({});
}

void SimJournal::add(const Line& record) {
  batch_ += seal_record(record, next_seq_++);
}

void SimJournal::write() {
  text_ += batch_;
  batch_.clear();
}

void SimJournal::replace(const std::vector<Line>& records) {
  text_.clear();
  batch_.clear();
  next_seq_ = 0;
  add(journal_head(kind_));
  for (const Line& record : records) add(record);
  write();
  durable_ = text_.size();
}

// A process may be killed in the middle of its write.
void SimJournal::process_died() {
  if (timeline_.chance(0.2))
    text_ += batch_.substr(
        0, static_cast<std::size_t>(timeline_.below(static_cast<std::int64_t>(batch_.size()))));
  batch_.clear();
}

void SimJournal::host_died() {
  process_died();
  const auto loose = static_cast<std::int64_t>(text_.size() - durable_);
  text_.resize(durable_ + static_cast<std::size_t>(timeline_.between(0, loose)));
}

void SimJournal::read(const std::function<Status(const Line&)>& take) {
  const JournalScan scan = scan_journal(text_, kind_, take);
  const bool usable =
      scan.outcome == JournalScan::Outcome::kWhole || scan.outcome == JournalScan::Outcome::kTorn;
  SIM_CHECK(timeline_, usable,
            "the journal of the " + kind_ + " is refused at byte " +
                std::to_string(scan.good_bytes) + ": " + scan.why);
  text_.resize(static_cast<std::size_t>(scan.good_bytes));
  durable_ = std::min(durable_, text_.size());
  next_seq_ = scan.next_seq;
}

}  // namespace dm::sim
