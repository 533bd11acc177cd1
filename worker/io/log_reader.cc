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

// The file's content, or what could be read of it.
std::string read_beside(int directory, const std::string& name, std::size_t most) {
  std::string text;
  const auto fd = open_file_beneath(directory, name, O_RDONLY);
  if (!fd) return text;
  char bytes[16384];
  while (text.size() < most) {
    const ssize_t got = retry([&] { return ::read(fd->get(), bytes, sizeof bytes); });
    if (got <= 0) break;
    text.append(bytes, static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

std::string log_file_name(const std::string& instance, std::int64_t run) {
  return instance + "." + std::to_string(run);
}

std::int64_t read_log_gone(int logs_directory, const std::string& log_name) {
  const std::string text = read_beside(logs_directory, log_name + kLogGoneSuffix, 64);
  return std::max<std::int64_t>(parse_integer(text.substr(0, text.find('\n'))).value_or(0), 0);
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
  look_for_gone();
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

void LogReader::look_for_gone() {
  gone_ = read_log_gone(store_->logs_directory(), name_);
}

Result<std::int64_t> LogReader::size() {
  struct stat info {};
  look_for_gone();
  if (::fstat(file_.get(), &info) != 0) return system_error("look at", "log");
  return gone_ + info.st_size;
}

Result<std::int64_t> LogReader::first_kept() {
  const auto end = size();
  if (!end) return end;
  return gone_ + first_data(file_.get(), 0, *end - gone_);
}

Result<std::int64_t> LogReader::start_of_last(std::int64_t lines) {
  const auto end = size();
  if (!end) return end;
  const std::int64_t floor = first_data(file_.get(), 0, *end - gone_);
  const auto start = start_of_last_lines(file_.get(), *end - gone_, lines, floor);
  return start ? Result<std::int64_t>(gone_ + *start) : start;
}

Result<std::int64_t> LogReader::start_of_line(std::int64_t offset) {
  const auto kept = first_kept();
  if (!kept || offset <= *kept) return kept ? Result<std::int64_t>(offset) : kept;
  char before = '\n';
  if (::pread(file_.get(), &before, 1, offset - gone_ - 1) != 1 || before == '\n') return offset;
  const auto start = start_of_last_lines(file_.get(), offset - gone_, 1, *kept - gone_);
  return start ? Result<std::int64_t>(gone_ + *start) : start;
}

Result<std::size_t> LogReader::read(std::int64_t* offset, char* buffer, std::size_t most) {
  while (true) {
    const std::int64_t at = std::max(*offset, gone_);
    const ssize_t got = retry([&] { return ::pread(file_.get(), buffer, most, at - gone_); });
    if (got < 0) return system_error("read", "log");
    const std::int64_t before = gone_;
    look_for_gone();
    if (gone_ != before) continue;
    if (got == 0) {
      *offset = at;
      return std::size_t{0};
    }
    // Looked at after the bytes were read: where there are data now, they were data then, for
    // holes only grow, and from the front.
    const std::int64_t data = gone_ + first_data(file_.get(), at - gone_, at - gone_ + got);
    *offset = data;
    if (data == at) return static_cast<std::size_t>(got);
  }
}

LogTimes LogReader::times() {
  LogTimes times =
      LogTimes::parse(read_beside(store_->logs_directory(), name_ + kLogTimesSuffix, kMostIndex));
  look_for_gone();
  struct stat info {};
  if (::fstat(file_.get(), &info) != 0) return times;
  const std::int64_t written_ms =
      std::int64_t{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000;
  times.add({gone_ + info.st_size, written_ms});
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
