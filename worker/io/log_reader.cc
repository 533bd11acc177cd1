#include "worker/io/log_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/codec.h"
#include "common/io/beneath.h"
#include "common/io/system.h"
#include "worker/io/log_tail.h"

namespace dm::worker {
namespace {

constexpr std::size_t kMostIndex = 4 * 1024 * 1024;

}  // namespace

std::string log_file_name(const std::string& instance, std::int64_t run) {
  return instance + "." + std::to_string(run);
}

DroppedLogs read_dropped_logs(int logs_directory, const std::string& instance) {
  return DroppedLogs::parse(read_beside(logs_directory, instance + kLogsDroppedSuffix, 64));
}

std::int64_t first_data(int file, std::int64_t from, std::int64_t size) {
  if (from >= size) return from;
  const off_t data = ::lseek(file, from, SEEK_DATA);
  if (data >= 0) return data;
  return errno == ENXIO ? size : from;  // nothing but a hole up to the end; or nobody can tell
}

LogReader::LogReader(const AppStore& store, std::string name, Fd file)
    : store_(&store), name_(std::move(name)), file_(std::move(file)) {
  look_for_base();
}

Result<LogReader> LogReader::open(const AppStore& store, const std::string& instance,
                                  std::int64_t run) {
  auto file = store.read_log(instance, run);
  if (!file && file.error().code == Code::kNotFound)
    return fail(Code::kNotFound,
                why_no_log(instance, run, read_dropped_logs(store.logs_directory(), instance)));
  if (!file) return file.error();
  return LogReader(store, log_file_name(instance, run), std::move(*file));
}

void LogReader::look_for_base() {
  const int directory = store_->logs_directory();
  base_ = read_log_base(directory, name_, file_.get(), 0);
  if (!base_.is_counted) base_ = read_log_base(directory, name_, file_.get(), known_size());
}

// At the last mark of its index.
std::int64_t LogReader::known_size() const {
  const LogTimes times =
      LogTimes::parse(read_beside(store_->logs_directory(), name_ + kLogTimesSuffix, kMostIndex));
  return times.marks().empty() ? 0 : times.marks().back().size;
}

Result<std::int64_t> LogReader::size() {
  struct stat info {};
  look_for_base();
  if (::fstat(file_.get(), &info) != 0) return system_error("look at", "log");
  return base_.base + std::clamp<std::int64_t>(info.st_size, base_.head, kMostLogSize);
}

Result<std::int64_t> LogReader::first_kept() {
  const auto end = size();
  if (!end) return end;
  const std::int64_t base = base_.base;
  return base + std::max(first_data(file_.get(), 0, *end - base), base_.head);
}

Result<std::int64_t> LogReader::start_of_last(std::int64_t lines) {
  const auto kept = first_kept();
  const auto end = kept ? size() : kept;
  if (!end) return end;
  const std::int64_t base = base_.base;
  const auto start = start_of_last_lines(file_.get(), *end - base, lines, *kept - base);
  return start ? Result<std::int64_t>(base + *start) : start;
}

Result<std::int64_t> LogReader::start_of_line(std::int64_t offset) {
  const auto kept = first_kept();
  if (!kept || offset <= *kept) return kept ? Result<std::int64_t>(offset) : kept;
  const std::int64_t base = base_.base;
  char before = '\n';
  if (::pread(file_.get(), &before, 1, offset - base - 1) != 1 || before == '\n') return offset;
  const auto start = start_of_last_lines(file_.get(), offset - base, 1, *kept - base);
  return start ? Result<std::int64_t>(base + *start) : start;
}

Result<std::size_t> LogReader::read(std::int64_t* offset, char* buffer, std::size_t most) {
  while (true) {
    const std::int64_t base = base_.base;
    const std::int64_t at = std::max(*offset, base + base_.head);
    const ssize_t got = retry([&] { return ::pread(file_.get(), buffer, most, at - base); });
    if (got < 0) return system_error("read", "log");
    look_for_base();
    if (base_.base != base) continue;
    if (got == 0) {
      *offset = at;
      return std::size_t{0};
    }
    // Looked at after the bytes were read: where there are data now, they were data then, for
    // holes only grow, and from the front.
    const std::int64_t data = base + first_data(file_.get(), at - base, at - base + got);
    *offset = data;
    if (data == at) return static_cast<std::size_t>(got);
  }
}

LogTimes LogReader::times() {
  LogTimes times =
      LogTimes::parse(read_beside(store_->logs_directory(), name_ + kLogTimesSuffix, kMostIndex));
  look_for_base();
  struct stat info {};
  if (::fstat(file_.get(), &info) != 0) return times;
  const std::int64_t written_ms =
      std::int64_t{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000;
  const std::int64_t size = base_.base + std::min<std::int64_t>(info.st_size, kMostLogSize);
  times.add({std::max<std::int64_t>(size, 0), written_ms});
  return times;
}

std::string read_log_tail(const AppStore& store, const std::string& instance, std::int64_t run,
                          std::size_t most) {
  auto log = LogReader::open(store, instance, run);
  if (!log) return {};
  const auto size = log->size();
  std::int64_t at = size ? std::max<std::int64_t>(*size - static_cast<std::int64_t>(most), 0) : 0;
  std::string tail(most, '\0');
  std::size_t length = 0;
  while (length < most) {
    const auto got = log->read(&at, tail.data() + length, most - length);
    if (!got || *got == 0) break;
    at += static_cast<std::int64_t>(*got);
    length += *got;
  }
  tail.resize(length);
  return tail;
}

}  // namespace dm::worker
