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

namespace dm {
namespace {

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

LogKeeper::LogKeeper(Loop& loop, const AppStore& store, std::optional<std::int64_t> total,
                     std::function<Owners()> owners)
    : loop_(loop), store_(store), total_(total), owners_(std::move(owners)), jobs_(loop, 1) {}

void LogKeeper::start() {
  loop_.later([this] { run(); });
}

void LogKeeper::run() {
  jobs_.run([this, owners = owners_()]() -> Loop::Task {
    const Now before = read_clock();
    const bool has_cut = look(owners, before);
    const std::int64_t took = read_clock().mono_ms - before.mono_ms;
    return [this, wait = next_log_look_ms(has_cut, took)] {
      loop_.at(loop_.now().mono_ms + wait, [this] { run(); });
    };
  });
}

bool LogKeeper::look(const Owners& owners, Now now) {
  const std::vector<LogFile> files = list();
  std::erase_if(marked_, [&](const auto& entry) { return !owners.contains(entry.first); });
  for (const LogFile& file : files) {
    const auto owner = owners.find(file.instance);
    if (owner != owners.end() && owner->second.run == file.run) mark(file, owner->second, now);
  }
  bool has_cut = false;
  for (const LogCut& each : plan_log_cuts(files, owners, total()))
    has_cut = cut(each, owners) || has_cut;
  return has_cut;
}

std::vector<LogFile> LogKeeper::list() const {
  std::vector<LogFile> files;
  const int directory = store_.logs_directory();
  for (const std::string& entry : names_in(directory)) {
    auto name = parse_log_name(entry);
    struct stat info {};
    if (!name || ::fstatat(directory, entry.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISREG(info.st_mode)) continue;
    // What a file system sets aside in advance is not the log's.
    const std::int64_t whole = (info.st_size + kLogBlock - 1) / kLogBlock * kLogBlock;
    const std::int64_t used = std::min<std::int64_t>(std::int64_t{info.st_blocks} * 512, whole);
    files.push_back({name->instance, name->run, info.st_size, used, to_ms(info.st_mtim)});
  }
  return files;
}

std::int64_t LogKeeper::total() const {
  if (total_) return *total_;
  struct statvfs disk {};
  if (::statvfs(store_.root().c_str(), &disk) != 0) return INT64_MAX;
  return default_logs_total(static_cast<std::int64_t>(disk.f_blocks) *
                            static_cast<std::int64_t>(disk.f_frsize));
}

bool LogKeeper::cut(const LogCut& cut, const Owners& owners) const {
  const std::string name = log_file_name(cut.instance, cut.run);
  const auto owner = owners.find(cut.instance);
  const bool is_alive =
      owner != owners.end() && owner->second.is_alive && owner->second.run == cut.run;
  if (cut.keep_from > 0) {
    shorten(cut, name, is_alive);
    return true;
  }
  const int directory = store_.logs_directory();
  for (const char* suffix : {kLogTimesSuffix, kLogGoneSuffix, ""})
    (void)::unlinkat(directory, (name + suffix).c_str(), 0);
  return true;
}

void LogKeeper::shorten(const LogCut& cut, const std::string& name, bool is_alive) const {
  const int directory = store_.logs_directory();
  const auto file = open_file_beneath(directory, name, O_WRONLY);
  struct stat info {};
  if (!file || ::fstat(file->get(), &info) != 0) return;
  if (!punch(file->get(), cut.keep_from)) {
    // Counted first: if we are interrupted, too much is said to be gone, never too little.
    const std::int64_t gone = read_log_gone(directory, name) + info.st_size;
    if (!replace_beside(directory, name + kLogGoneSuffix, std::to_string(gone) + "\n")) return;
    (void)::ftruncate(file->get(), 0);
  }
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

}  // namespace dm
