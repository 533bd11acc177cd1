#include "worker/io/log_keeper.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/io/beneath.h"
#include "common/io/failpoint.h"
#include "common/io/files.h"
#include "common/io/system.h"
#include "worker/core/log_times.h"
#include "worker/io/log_reader.h"

namespace dm::worker {
namespace {

constexpr std::int64_t kSoonMs = 10;
constexpr std::int64_t kMarkMs = 1000;             // between two marks of one log
constexpr std::int64_t kIndexBytes = 1024 * 1024;  // then it is thinned
constexpr std::size_t kMostMarks = 16 * 1024;

std::int64_t to_ms(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

// False where the file system makes no holes.
bool punch([[maybe_unused]] int file, [[maybe_unused]] std::int64_t length) {
#ifdef __linux__
  if (fails_at("log.hole")) return errno != EOPNOTSUPP;
  if (::fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, length) == 0) return true;
  return errno != EOPNOTSUPP && errno != ENOSYS;
#else
  return false;
#endif
}

// Whole or not at all, so that no reader finds half a number. Not synced: after a power failure
// offsets may be counted anew, and no byte is lost by that.
Status replace_beside(int directory, const std::string& name, const std::string& text) {
  const std::string temp = name + ".tmp";
  ::unlinkat(directory, temp.c_str(), 0);
  const auto fd = open_file_beneath(directory, temp, O_WRONLY | O_CREAT | O_EXCL, 0640);
  if (!fd) return fd.error();
  Status done = fails_at("log.beside") ? system_error("write", temp) : write_all(fd->get(), text);
  if (done && ::renameat(directory, temp.c_str(), directory, name.c_str()) != 0)
    done = system_error("rename", temp);
  if (!done) ::unlinkat(directory, temp.c_str(), 0);
  return done;
}

// Behind the last whole one.
bool append_mark(int index, const LogMark& mark) {
  struct stat info {};
  if (::fstat(index, &info) != 0) return false;
  std::array<char, kLongestMark> end{};
  const off_t from = std::max<off_t>(info.st_size - static_cast<off_t>(end.size()), 0);
  const ssize_t got = retry([&] { return ::pread(index, end.data(), end.size(), from); });
  if (got < 0) return false;
  const std::size_t torn = torn_bytes({end.data(), static_cast<std::size_t>(got)});
  if (torn > 0 && ::ftruncate(index, info.st_size - static_cast<off_t>(torn)) != 0) return false;
  return !fails_at("log.index") && write_all(index, print_mark(mark)).has_value();
}

}  // namespace

LogKeeper::LogKeeper(Loop& loop, const AppStore& store, Limits limits,
                     std::function<Owners(bool only_living)> owners)
    : loop_(loop), store_(store), limits_(limits), owners_(std::move(owners)), jobs_(loop, 1) {}

void LogKeeper::start() {
  rest(0);
}

void LogKeeper::look_soon() {
  is_hurried_ = true;
  if (!timer_) return;  // taken into account when the look under way is over
  const std::int64_t at = loop_.now().mono_ms + kSoonMs;
  if (timer_at_ <= at) return;
  loop_.cancel(*timer_);
  rest(kSoonMs);
}

void LogKeeper::rest(std::int64_t wait) {
  timer_at_ = loop_.now().mono_ms + wait;
  timer_ = loop_.at(timer_at_, [this] { run(); });
}

void LogKeeper::run() {
  timer_.reset();
  is_hurried_ = false;
  const bool lists = loop_.now().mono_ms >= list_at_ms_;
  jobs_.run([this, lists, owners = owners_(!lists)]() -> Loop::Task {
    const Now before = read_clock();
    lists ? look(owners, before) : glance(owners, before);
    return [this, lists, took = took_ms_, wait = wait_ms_] {
      if (lists) list_at_ms_ = loop_.now().mono_ms + next_log_list_ms(took);
      rest(is_hurried_ ? std::min(wait, kSoonMs) : wait);
    };
  });
}

bool LogKeeper::look(const Owners& owners, Now now) {
  const std::int64_t begun = read_clock().mono_ms;
  files_.clear();
  for (const std::string& entry : names_in(store_.logs_directory())) {
    const auto name = parse_log_name(entry);
    if (!name) continue;
    if (auto file = find(*name)) files_[{name->instance, name->run}] = std::move(*file);
  }
  known_ = owners;
  std::erase_if(marked_, [&](const auto& entry) { return !owners.contains(entry.first); });
  return keep(now, begun);
}

bool LogKeeper::glance(const Owners& living, Now now) {
  const std::int64_t begun = read_clock().mono_ms;
  for (auto& [name, owner] : known_)
    if (!living.contains(name)) owner.is_alive = false;
  for (const auto& [name, owner] : living) {
    known_[name] = owner;
    if (auto file = find({name, owner.run})) files_[{name, owner.run}] = std::move(*file);
  }
  return keep(now, begun);
}

bool LogKeeper::keep(Now now, std::int64_t begun) {
  std::vector<LogFile> files;
  for (const auto& [key, file] : files_) {
    files.push_back(file);
    const auto owner = known_.find(file.instance);
    if (owner != known_.end() && owner->second.run == file.run) mark(file, owner->second, now);
  }
  const std::int64_t most = total();
  const std::vector<LogCut> cuts = plan_log_cuts(files, known_, most);
  took_ms_ = read_clock().mono_ms - begun;
  measure(now, most);
  for (const LogCut& each : cuts) cut(each);
  return !cuts.empty();
}

// How fast the living logs grow, and when to look again because of that.
void LogKeeper::measure(Now now, std::int64_t total) {
  std::map<std::string, Pace> before;
  before.swap(paces_);
  std::map<std::string, std::int64_t> used;
  LogGrowth all{total, 0, 0, 0, INT64_MAX};
  for (const auto& [key, file] : files_) {
    used[file.instance] += file.used;
    all.used += file.used;
  }
  std::vector<LogGrowth> growths;
  for (const auto& [key, file] : files_) {
    const auto owner = known_.find(file.instance);
    if (owner == known_.end() || !owner->second.is_alive || owner->second.run != file.run) continue;
    const auto found = before.find(file.instance);
    const Pace last = found != before.end() && found->second.run == file.run
                          ? found->second
                          : Pace{file.run, 0, now.mono_ms, now.mono_ms};
    // What is smaller than before was truncated: what stands there is new.
    const std::int64_t grown = file.size < last.size ? file.size : file.size - last.size;
    const std::int64_t over = now.mono_ms - last.at_mono_ms;
    growths.push_back(
        {owner->second.most, used[file.instance], grown, over, now.mono_ms - last.since_mono_ms});
    all.grown += grown;
    all.over_ms = std::max(all.over_ms, over);
    paces_[file.instance] = {file.run, file.size, now.mono_ms, last.since_mono_ms};
  }
  if (!growths.empty()) growths.push_back(all);
  wait_ms_ = next_log_look_ms(growths, is_disk_low(), took_ms_);
}

// One log as it lies on disk now.
std::optional<LogFile> LogKeeper::find(const LogName& name) const {
  struct stat info {};
  const std::string entry = log_file_name(name.instance, name.run);
  if (::fstatat(store_.logs_directory(), entry.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISREG(info.st_mode))
    return std::nullopt;
  // What a file system sets aside in advance is not the log's.
  const std::int64_t whole = (info.st_size + kLogBlock - 1) / kLogBlock * kLogBlock;
  const std::int64_t used = std::min<std::int64_t>(std::int64_t{info.st_blocks} * 512, whole);
  return LogFile{name.instance, name.run, info.st_size, used, to_ms(info.st_mtim)};
}

std::int64_t LogKeeper::total() const {
  if (limits_.total) return *limits_.total;
  struct statvfs disk {};
  if (::statvfs(store_.root().c_str(), &disk) != 0) return INT64_MAX;
  return default_logs_total(static_cast<std::int64_t>(disk.f_blocks) *
                            static_cast<std::int64_t>(disk.f_frsize));
}

bool LogKeeper::is_disk_low() const {
  struct statvfs disk {};
  if (::statvfs(store_.root().c_str(), &disk) != 0) return false;
  return static_cast<std::int64_t>(disk.f_bavail) <
         static_cast<std::int64_t>(disk.f_blocks) / 100 * limits_.disk_floor_percent;
}

void LogKeeper::cut(const LogCut& cut) {
  const std::string name = log_file_name(cut.instance, cut.run);
  if (cut.keep_from > 0) {
    const auto owner = known_.find(cut.instance);
    shorten(cut, name,
            owner != known_.end() && owner->second.is_alive && owner->second.run == cut.run);
    return;
  }
  files_.erase({cut.instance, cut.run});
  if (!find({cut.instance, cut.run})) return;  // deleted meanwhile, with its instance
  const int directory = store_.logs_directory();
  // Counted first, as below. On a full disk it goes uncounted: it must go.
  const DroppedLogs dropped = read_dropped_logs(directory, cut.instance).with(cut.run);
  (void)replace_beside(directory, cut.instance + kLogsDroppedSuffix, dropped.print());
  for (const char* suffix : {kLogTimesSuffix, kLogGoneSuffix, ""})
    (void)::unlinkat(directory, (name + suffix).c_str(), 0);
}

void LogKeeper::shorten(const LogCut& cut, const std::string& name, bool is_alive) {
  const int directory = store_.logs_directory();
  const auto file = open_file_beneath(directory, name, O_WRONLY);
  struct stat info {};
  if (!file || ::fstat(file->get(), &info) != 0) return;
  if (!punch(file->get(), cut.keep_from)) {
    // Counted first: if we are interrupted, too much is said to be gone, never too little. Counted
    // again where the app has written meanwhile.
    const std::int64_t before = read_log_gone(directory, name);
    for (std::int64_t counted = -1, tries = 0; counted != info.st_size && tries < 5; ++tries) {
      counted = info.st_size;
      const std::string text = std::to_string(before + counted) + "\n";
      if (!replace_beside(directory, name + kLogGoneSuffix, text)) return;
      if (::fstat(file->get(), &info) != 0) return;
    }
    (void)::ftruncate(file->get(), 0);
  }
  if (auto left = find({cut.instance, cut.run})) files_[{cut.instance, cut.run}] = std::move(*left);
  // The time of the last write tells when the log's last part was written.
  if (is_alive) return;
  const timespec times[2] = {info.st_atim, info.st_mtim};
  (void)::futimens(file->get(), times);
}

void LogKeeper::mark(const LogFile& file, const LogOwner& owner, Now now) {
  Marked& marked = marked_[file.instance];
  if (marked.run != file.run) marked = {file.run, -1, now.mono_ms - kMarkMs};
  // Of a run that has ended the file itself says when it was written last.
  if (!owner.is_alive || file.size == 0 || file.size == marked.size ||
      now.mono_ms - marked.at_mono_ms < kMarkMs)
    return;
  const int directory = store_.logs_directory();
  const std::string log = log_file_name(file.instance, file.run), name = log + kLogTimesSuffix;
  const auto index = own_file_beneath(directory, name, O_RDWR | O_APPEND, 0640);
  const std::int64_t gone = read_log_gone(directory, log);
  if (!index || !append_mark(index->get(), {gone + file.size, file.written_ms})) return;
  marked.size = file.size;
  marked.at_mono_ms = now.mono_ms;
  struct stat info {};
  if (::fstat(index->get(), &info) != 0 || info.st_size <= kIndexBytes) return;
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  const ssize_t got = retry([&] { return ::pread(index->get(), text.data(), text.size(), 0); });
  LogTimes times =
      LogTimes::parse(text.substr(0, static_cast<std::size_t>(std::max<ssize_t>(got, 0))));
  times.thin(gone + std::max<std::int64_t>(file.size - file.used, 0), kMostMarks);
  (void)replace_beside(directory, name, times.print());
}

}  // namespace dm::worker
