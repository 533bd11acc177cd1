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
constexpr std::int64_t kYoungMs = 200;             // an older log has shown its pace
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

std::int64_t whole_blocks(std::int64_t size) {
  return (std::min(size, kMostLogSize) + kLogBlock - 1) / kLogBlock * kLogBlock;
}

// Frees what was set aside behind the end (FALLOC_FL_KEEP_SIZE). Only an app that does such things
// may lose by it what it writes at this very moment.
void trim(int file) {
  struct stat info {};
#ifdef __linux__
  if (::fstat(file, &info) == 0) {
    const std::int64_t end = whole_blocks(info.st_size);
    (void)::fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, end,
                      2 * kMostLogSize - end);
  }
#endif
  // ext4 frees it only so.
  if (::fstat(file, &info) == 0 && std::int64_t{info.st_blocks} * 512 > whole_blocks(info.st_size))
    (void)::ftruncate(file, info.st_size);
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
                     std::function<Owners()> owners)
    : loop_(loop),
      store_(store),
      limits_(limits),
      owners_(std::move(owners)),
      jobs_(loop, 1),
      watch_(store.logs_directory()) {}

void LogKeeper::start() {
  rest(0);
}

void LogKeeper::began(const std::string& instance, const LogOwner& owner) {
  changed_[instance] = owner;
  look_soon();
}

void LogKeeper::ended(const std::string& instance, std::int64_t run) {
  changed_[instance].run = run;
  changed_[instance].is_alive = false;
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
  Owners owners = lists ? owners_() : std::move(changed_);
  changed_.clear();
  jobs_.run([this, lists, owners = std::move(owners)]() -> Loop::Task {
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
  (void)watch_.take();
  files_.clear();
  used_ = 0;
  std::set<LogKey> all;
  for (const std::string& entry : names_in(store_.logs_directory())) {
    const auto name = parse_log_name(entry);
    if (!name) continue;
    set_file({name->instance, name->run}, find(*name));
    all.emplace(name->instance, name->run);
  }
  known_.clear();
  living_.clear();
  for (const auto& [instance, owner] : owners) learn(instance, owner);
  std::erase_if(marked_, [&](const auto& entry) { return !owners.contains(entry.first); });
  std::erase_if(paces_, [&](const auto& entry) { return !living_.contains(entry.first); });
  return keep(all, now, begun);
}

bool LogKeeper::glance(const Owners& changed, Now now) {
  const std::int64_t begun = read_clock().mono_ms;
  const std::set<LogKey> keys = find_changed(changed);
  for (const LogKey& key : keys) {
    auto file = find({key.first, key.second});
    const auto before = files_.find(key);
    if (file) notice_truncation(before == files_.end() ? LogFile() : before->second, *file);
    set_file(key, std::move(file));
  }
  return keep(keys, now, begun);
}

void LogKeeper::learn(const std::string& instance, const LogOwner& owner) {
  known_[instance] = owner;
  owner.is_alive ? (void)living_.insert(instance) : (void)living_.erase(instance);
}

std::set<LogKeeper::LogKey> LogKeeper::find_changed(const Owners& changed) {
  std::set<LogKey> keys = unmarked_;
  for (auto [instance, owner] : changed) {
    // Of an end it is not said how much the instance may have.
    const auto known = known_.find(instance);
    if (!owner.is_alive && known != known_.end()) owner.most = known->second.most;
    learn(instance, owner);
    keys.emplace(instance, owner.run);
  }
  const auto names = watch_.take();
  if (!names)
    for (const std::string& instance : living_) keys.emplace(instance, known_[instance].run);
  for (const std::string& entry : names.value_or(std::set<std::string>()))
    if (const auto name = parse_log_name(entry)) keys.emplace(name->instance, name->run);
  return keys;
}

void LogKeeper::set_file(const LogKey& key, std::optional<LogFile> file) {
  const auto found = files_.find(key);
  if (found != files_.end()) used_ -= found->second.used;
  if (file) used_ += file->used;
  if (file)
    files_[key] = std::move(*file);
  else if (found != files_.end())
    files_.erase(found);
}

bool LogKeeper::is_last(const LogFile& file) const {
  const auto owner = known_.find(file.instance);
  return owner != known_.end() && owner->second.run == file.run;
}

bool LogKeeper::keep(const std::set<LogKey>& changed, Now now, std::int64_t begun) {
  unmarked_.clear();
  for (const LogKey& key : changed) {
    const auto file = files_.find(key);
    if (file != files_.end() && is_last(file->second)) mark(file->second, now);
  }
  const std::int64_t most = total();
  const std::vector<LogCut> cuts = plan(changed, most);
  took_ms_ = read_clock().mono_ms - begun;
  measure(changed, now, most);
  for (const LogCut& each : cuts) cut(each);
  return !cuts.empty();
}

// Only what has changed can be over its budget, unless all together are.
std::vector<LogCut> LogKeeper::plan(const std::set<LogKey>& changed, std::int64_t total) const {
  std::vector<LogFile> files;
  const auto add = [&](const auto& from, const auto& to) {
    for (auto each = from; each != to; ++each) files.push_back(each->second);
  };
  if (used_ > total) {
    add(files_.begin(), files_.end());
    return plan_log_cuts(files, known_, total);
  }
  const std::string* before = nullptr;
  for (const auto& [instance, run] : changed) {
    if (before && *before == instance) continue;
    before = &instance;
    const auto owner = known_.find(instance);
    if (used_by(instance) <= (owner == known_.end() ? LogOwner() : owner->second).most) continue;
    add(files_.lower_bound({instance, 0}), files_.upper_bound({instance, INT64_MAX}));
  }
  return files.empty() ? std::vector<LogCut>() : plan_log_cuts(files, known_, INT64_MAX);
}

std::int64_t LogKeeper::used_by(const std::string& instance) const {
  std::int64_t sum = 0;
  const auto end = files_.upper_bound({instance, INT64_MAX});
  for (auto each = files_.lower_bound({instance, 0}); each != end; ++each) sum += each->second.used;
  return sum;
}

// How fast the living logs grow, and when to look again because of that.
void LogKeeper::measure(const std::set<LogKey>& changed, Now now, std::int64_t total) {
  std::vector<LogGrowth> growths;
  LogGrowth all{total, used_, 0, now.mono_ms - looked_mono_ms_, INT64_MAX};
  looked_mono_ms_ = now.mono_ms;
  for (const LogKey& key : changed) {
    if (!living_.contains(key.first) || known_[key.first].run != key.second) continue;
    const auto file = files_.find(key);
    // Its file may be about to be made.
    const LogFile log = file == files_.end() ? LogFile{key.first, key.second} : file->second;
    const auto found = paces_.find(log.instance);
    const bool is_new = found == paces_.end() || found->second.run != log.run;
    const Pace last = is_new ? Pace{log.run, 0, now.mono_ms} : found->second;
    if (is_new) young_.insert(log.instance);
    // What is smaller than before was truncated: what stands there is new.
    const std::int64_t grown = log.size < last.size ? log.size : log.size - last.size;
    growths.push_back({known_[log.instance].most, used_by(log.instance), grown,
                       is_new ? 0 : all.over_ms, now.mono_ms - last.since_mono_ms});
    all.grown += grown;
    paces_[log.instance] = {log.run, log.size, last.since_mono_ms};
  }
  for (auto each = young_.begin(); each != young_.end();) {
    const auto pace = paces_.find(*each);
    const std::int64_t age =
        pace == paces_.end() ? kYoungMs : now.mono_ms - pace->second.since_mono_ms;
    growths.push_back({INT64_MAX, 0, 0, 0, age});
    each = age >= kYoungMs || !living_.contains(*each) ? young_.erase(each) : std::next(each);
  }
  if (!living_.empty()) growths.push_back(all);
  wait_ms_ = next_log_look_ms(growths, is_disk_low(), took_ms_);
}

// One log as it lies on disk now.
std::optional<LogFile> LogKeeper::find(const LogName& name) const {
  struct stat info {};
  const std::string entry = log_file_name(name.instance, name.run);
  if (::fstatat(store_.logs_directory(), entry.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISREG(info.st_mode))
    return std::nullopt;
  const std::int64_t used = std::int64_t{info.st_blocks} * 512;
  return LogFile{name.instance,
                 name.run,
                 std::min<std::int64_t>(info.st_size, kMostLogSize),
                 used,
                 to_ms(info.st_mtim),
                 std::max<std::int64_t>(used - whole_blocks(info.st_size), 0)};
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
  if (cut.keep_from != 0) {
    const auto owner = known_.find(cut.instance);
    shorten(cut, name,
            owner != known_.end() && owner->second.is_alive && owner->second.run == cut.run);
    return;
  }
  set_file({cut.instance, cut.run}, std::nullopt);
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
  if (cut.trims) trim(file->get());
  if (cut.keep_from > 0 && !punch(file->get(), cut.keep_from)) truncate(name, file->get());
  set_file({cut.instance, cut.run}, find({cut.instance, cut.run}));
  // The time of the last write tells when the log's last part was written.
  if (is_alive) return;
  const timespec times[2] = {info.st_atim, info.st_mtim};
  (void)::futimens(file->get(), times);
}

// Where there are no holes. Counted first: if we are interrupted, too much is said to be gone,
// never too little. Counted again where the app has written meanwhile.
void LogKeeper::truncate(const std::string& name, int file) const {
  const int directory = store_.logs_directory();
  const std::int64_t before = read_log_base(directory, name, file, 0).base;
  struct stat info {};
  if (::fstat(file, &info) != 0) return;
  for (std::int64_t counted = -1, tries = 0; counted != info.st_size && tries < 5; ++tries) {
    counted = info.st_size;
    const std::string text = std::to_string(before + counted) + "\n";
    if (!replace_beside(directory, name + kLogGoneSuffix, text)) return;
    if (::fstat(file, &info) != 0) return;
  }
  (void)::ftruncate(file, 0);
}

// What an app has truncated away is counted as far as it is known: by how long the log was at the
// last look.
void LogKeeper::notice_truncation(const LogFile& before, const LogFile& now) const {
  const int directory = store_.logs_directory();
  const std::string name = log_file_name(now.instance, now.run);
  const auto file = open_file_beneath(directory, name, O_RDONLY);
  if (!file) return;
  const std::int64_t head = static_cast<std::int64_t>(kLogHead.size());
  const LogBase base = read_log_base(directory, name, file->get(), before.size - head);
  if (!base.is_counted) (void)count_truncation(directory, name, base.base);
  if (base.is_counted && now.size < before.size && (base.is_truncated || now.size == 0))
    (void)count_truncation(directory, name, base.base + before.size);
}

void LogKeeper::mark(const LogFile& file, Now now) {
  Marked& marked = marked_[file.instance];
  if (marked.run != file.run) marked = {file.run, -1, now.mono_ms - kMarkMs};
  // Of a run that has ended the file itself says when it was written last.
  if (!living_.contains(file.instance) || file.size == 0 || file.size == marked.size) return;
  if (now.mono_ms - marked.at_mono_ms < kMarkMs)
    return (void)unmarked_.emplace(file.instance, file.run);
  const int directory = store_.logs_directory();
  const std::string log = log_file_name(file.instance, file.run), name = log + kLogTimesSuffix;
  const auto opened = open_file_beneath(directory, log, O_RDONLY);
  if (!opened) return;
  const std::int64_t base = read_log_base(directory, log, opened->get(), marked.size).base;
  if (base + file.size <= 0) return;
  const auto index = own_file_beneath(directory, name, O_RDWR | O_APPEND, 0640);
  if (!index || !append_mark(index->get(), {base + file.size, file.written_ms})) return;
  marked.size = file.size;
  marked.at_mono_ms = now.mono_ms;
  struct stat info {};
  if (::fstat(index->get(), &info) != 0 || info.st_size <= kIndexBytes) return;
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  const ssize_t got = retry([&] { return ::pread(index->get(), text.data(), text.size(), 0); });
  LogTimes times =
      LogTimes::parse(text.substr(0, static_cast<std::size_t>(std::max<ssize_t>(got, 0))));
  times.thin(std::max<std::int64_t>(base + file.size - file.used, 0), kMostMarks);
  (void)replace_beside(directory, name, times.print());
}

}  // namespace dm::worker
