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
  batch_.clear();
  text_ = print_journal(kind_, records, {}, next_seq_);
  durable_ = text_.size();
}

void SimJournal::replace(const std::vector<Line>& records, const Mark& mark) {
  text_ = print_journal(kind_, records, {}, mark.next_seq) + text_.substr(mark.at);
  durable_ = text_.size();
}

void SimJournal::put_back(std::string text) {
  batch_.clear();
  text_ = std::move(text);
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

void SimJournal::read(const TakeRecord& take) {
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

void SimLog::add(const Line& record) {
  journal_.add(record);
  undurable_.push_back(record);
}

Status SimLog::write() {
  const auto life = process_.life();
  handlers_.step();
  if (life != process_.life()) return fail(Code::kInternal, "the process has died");
  journal_.write();
  return {};
}

void SimLog::sync(std::function<void(const Status&)> done) {
  const std::size_t bytes = journal_.size(), records = undurable_.size();
  process_.later(process_.timeline().delay(2 * kMs), [this, bytes, records, done] {
    journal_.synced(bytes);
    tell_durable(records);
    done({});
  });
}

void SimLog::tell_durable(std::size_t records) {
  for (std::size_t i = 0; i < records; ++i) {
    handlers_.durable(undurable_.front());
    undurable_.pop_front();
  }
}

}  // namespace dm::sim
