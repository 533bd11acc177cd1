#include "master/io/history_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "common/io/fd.h"
#include "common/io/files.h"
#include "common/io/system.h"
#include "common/journal.h"
#include "master/logs/run_history.h"

namespace dm::master {
namespace {

constexpr std::size_t kNameDigits = 20;
constexpr std::size_t kAtOnce = 1 << 20;

// Reads [from, until) of a file and hands over whole lines; false if `take` does.
Status read_rows(int fd, std::int64_t from, std::int64_t until,
                 const std::function<Status(std::string_view)>& take) {
  std::string bytes;
  std::size_t held = 0;
  while (from < until) {
    const auto want =
        static_cast<std::size_t>(std::min(until - from, static_cast<std::int64_t>(kAtOnce)));
    bytes.resize(held + want);
    const ssize_t got = retry([&] { return ::pread(fd, bytes.data() + held, want, from); });
    if (got < 0) return system_error("read", "the journal");
    if (got == 0) break;
    from += got;
    bytes.resize(held + static_cast<std::size_t>(got));
    std::size_t at = 0;
    for (std::size_t end; (end = bytes.find('\n', at)) != std::string::npos; at = end + 1)
      if (auto taken = take(std::string_view(bytes).substr(at, end - at)); !taken) return taken;
    bytes.erase(0, at);
    held = bytes.size();
  }
  return {};
}

// The lines of a journal behind its snapshot; one without a snapshot is a tail alone.
void read_tail(int journal, const HistoryFiles::TakeRow& take) {
  enum class Part { kHead, kSnapshot, kTail } part = Part::kHead;
  const Status read = read_rows(journal, 0, INT64_MAX, [&](std::string_view row) -> Status {
    switch (part) {
      case Part::kHead: {
        const auto head = open_record(row);
        const bool snapshot = head && head->line.number_or("snapshot", 0) != 0;
        part = snapshot ? Part::kSnapshot : Part::kTail;
        break;
      }
      case Part::kSnapshot:
        if (row.starts_with("SNAPSHOT ")) part = Part::kTail;
        break;
      case Part::kTail: take(row);
    }
    return {};
  });
  (void)read;  // what could be read was handed over
}

bool read_segment(int fd, const HistoryFiles::TakeRow& take) {
  bool first = true;
  return read_rows(fd, 0, INT64_MAX,
                   [&](std::string_view row) -> Status {
                     if (!std::exchange(first, false)) take(row);
                     return {};
                   })
      .has_value();
}

}  // namespace

std::string HistoryFiles::path(const Segment& segment) const {
  std::string digits = std::to_string(segment.first);
  digits.insert(0, kNameDigits - digits.size(), '0');
  return directory() + "/" + digits;
}

std::vector<HistoryFiles::Segment> HistoryFiles::list() const {
  std::vector<Segment> segments;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory().c_str()), &::closedir);
  while (const dirent* entry = stream ? ::readdir(stream.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    if (name.size() != kNameDigits || name.find_first_not_of("0123456789") != name.npos) continue;
    const auto digits = name.substr(std::min(name.find_first_not_of('0'), kNameDigits - 1));
    const auto first = parse_integer(digits);
    struct stat info {};
    if (first && ::fstatat(::dirfd(stream.get()), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(info.st_mode))
      segments.push_back({*first, info.st_size});
  }
  std::sort(segments.begin(), segments.end(),
            [](const Segment& a, const Segment& b) { return a.first < b.first; });
  return segments;
}

Fd HistoryFiles::open_segment(const Segment& segment) const {
  return Fd(::open(path(segment).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
}

// By the first line; of one that is damaged, by the others.
HistoryFiles::Counts HistoryFiles::count(const Segment& segment) const {
  Counts counts;
  const Fd fd = open_segment(segment);
  char bytes[256];
  const ssize_t got = fd.valid() ? retry([&] { return ::read(fd.get(), bytes, sizeof bytes); }) : 0;
  const std::string_view text(bytes, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (const auto head = open_record(text.substr(0, text.find('\n')))) {
    counts.records = head->line.number_or("records", 0);
    counts.runs = head->line.number_or("runs", 0);
    return counts;
  }
  (void)read_segment(fd.get(), [&](std::string_view row) {
    ++counts.records;
    if (row.starts_with("ENDED ")) ++counts.runs;
  });
  return counts;
}

std::int64_t HistoryFiles::last_saved() const {
  const auto segments = list();
  if (segments.empty()) return 0;
  std::int64_t last = segments.back().first - 1;
  (void)read_segment(open_segment(segments.back()).get(), [&](std::string_view row) {
    if (const auto record = open_record(row)) last = std::max(last, record->seq);
  });
  return last;
}

Status HistoryFiles::write_segment(std::int64_t first, const Counts& counts,
                                   std::string_view rows) const {
  Line head = journal_head("history");
  head.add("records", counts.records).add("runs", counts.runs);
  std::string text = seal_record(head, 0);
  return replace_file(path({first, 0}), text.append(rows), 0600);
}

Status HistoryFiles::save(int journal, std::int64_t from, std::int64_t until) const {
  if (auto made = make_directories(directory(), 0700); !made) return made;
  const std::int64_t last = last_saved();
  std::string rows;
  std::int64_t first = 0;
  Counts counts;
  const auto flush = [&]() -> Status {
    if (rows.empty()) return {};
    const Status written = write_segment(first, counts, rows);
    rows.clear();
    counts = {};
    return written;
  };
  const auto take = [&](std::string_view row) -> Status {
    if (!is_audit(row)) return {};
    const auto record = open_record(row);
    if (!record)
      return fail(Code::kInternal, "the journal has a bad line: " + record.error().message);
    if (record->seq <= last) return {};
    if (rows.empty()) first = record->seq;
    rows.append(row).append("\n");
    ++counts.records;
    if (record->line.verb() == "ENDED") ++counts.runs;
    return static_cast<std::int64_t>(rows.size()) < segment_bytes_ ? Status() : flush();
  };
  if (auto read = read_rows(journal, from, until, take); !read) return read;
  if (auto flushed = flush(); !flushed) return flushed;
  return sync_directory(state_);
}

HistoryFiles::Opened HistoryFiles::open(std::int64_t from) const {
  Opened opened;
  // First: what a shortening takes out of it now is still there to be read.
  opened.journal.reset(::open((state_ + "/journal").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  for (const Segment& segment : list()) {
    if (segment.first < from) continue;
    Fd fd = open_segment(segment);
    if (fd.valid())
      opened.segments.push_back(std::move(fd));
    else
      ++opened.unreadable;
  }
  return opened;
}

int HistoryFiles::read(const Opened& opened, const TakeRow& take) {
  int unreadable = opened.unreadable;
  for (const Fd& segment : opened.segments)
    if (!read_segment(segment.get(), take)) ++unreadable;
  if (opened.journal.valid()) read_tail(opened.journal.get(), take);
  return unreadable;
}

int HistoryFiles::read_newest(std::int64_t from, std::int64_t records, std::int64_t& older,
                              const TakeRow& take) const {
  std::vector<Segment> segments = list();
  std::erase_if(segments, [&](const Segment& segment) { return segment.first < from; });
  auto begin = segments.end();
  while (begin != segments.begin() && records > 0) records -= count(*--begin).records;
  older = 0;
  for (auto at = segments.begin(); at != begin; ++at) older += count(*at).records;
  return static_cast<int>(std::count_if(begin, segments.end(), [&](const Segment& each) {
    return !read_segment(open_segment(each).get(), take);
  }));
}

HistoryExcess HistoryFiles::excess(std::int64_t from, std::int64_t most_bytes) const {
  auto segments = list();
  std::erase_if(segments, [&](const Segment& segment) { return segment.first < from; });
  std::int64_t left = 0;
  for (const Segment& segment : segments) left += segment.bytes;
  HistoryExcess excess;
  for (std::size_t i = 0; i + 1 < segments.size() && left > most_bytes; ++i) {
    const Counts counts = count(segments[i]);
    excess.records += counts.records;
    excess.runs += counts.runs;
    excess.bytes += segments[i].bytes;
    excess.before = segments[i + 1].first;
    left -= segments[i].bytes;
  }
  return excess;
}

HistoryFiles::Checked HistoryFiles::check() const {
  Checked checked;
  std::int64_t last = 0;
  for (const Segment& segment : list()) {
    ++checked.segments;
    const Fd fd = open_segment(segment);
    const auto text = fd.valid() ? read_whole(fd.get(), path(segment))
                                 : Result<std::string>(system_error("open", path(segment)));
    if (!text) {
      checked.flaws.push_back({path(segment), text.error().message, 0});
      continue;
    }
    const SegmentScan scan = scan_segment(*text, segment.first, last);
    last = std::max(last, scan.last_seq);
    if (scan.why.empty())
      checked.records += scan.records;
    else
      checked.flaws.push_back({path(segment), scan.why, scan.good_bytes});
  }
  return checked;
}

void HistoryFiles::sweep() const {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory().c_str()), &::closedir);
  while (const dirent* entry = stream ? ::readdir(stream.get()) : nullptr)
    if (std::string_view(entry->d_name).ends_with(".tmp"))
      ::unlinkat(::dirfd(stream.get()), entry->d_name, 0);
}

void HistoryFiles::remove_before(std::int64_t seq) const {
  for (const Segment& segment : list())
    if (segment.first < seq) ::unlink(path(segment).c_str());
}

}  // namespace dm::master
