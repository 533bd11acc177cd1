// worker/io/log_reader.h - reads a log that loses its oldest part while it is read. Decides
// nothing.
//
// Offsets count from the first byte that the run ever wrote, whatever has gone since: what was cut
// is a hole at the front, or, where the file system knows no holes or the app itself has truncated
// it, is counted beside the file (log_head.h).
#pragma once

#include <cstdint>
#include <string>

#include "common/io/fd.h"
#include "common/result.h"
#include "worker/core/log_budget.h"
#include "worker/core/log_times.h"
#include "worker/io/app_store.h"
#include "worker/io/log_head.h"

namespace dm::worker {

// What stands beside the log logs/APP.N.RUN.
inline constexpr const char* kLogTimesSuffix = ".times";  // worker/core/log_times.h
// worker/io/log_head.h has kLogGoneSuffix.

// What stands there for a whole instance, logs/APP.N: what was dropped whole.
inline constexpr const char* kLogsDroppedSuffix = ".dropped";  // worker/core/log_budget.h

std::string log_file_name(const std::string& instance, std::int64_t run);
DroppedLogs read_dropped_logs(int logs_directory, const std::string& instance);
// Where the file's data begin: behind the hole at its front (lseek(2), SEEK_DATA). Moves the
// descriptor's offset, which O_APPEND and pread(2) do not use.
std::int64_t first_data(int file, std::int64_t from, std::int64_t size);

// The last bytes of a run's log, at most so many; empty if there are none to be had. Quick.
std::string read_log_tail(const AppStore& store, const std::string& instance, std::int64_t run,
                          std::size_t most);

class LogReader {
 public:
  // Errors: not-found, with the reason, if there is no such log, bad-arg, system_error's.
  static Result<LogReader> open(const AppStore& store, const std::string& instance,
                                std::int64_t run);

  // The file is there to be watched.
  int fd() const { return file_.get(); }
  // The end of the log now. Errors: system_error's.
  Result<std::int64_t> size();
  // True if the app has truncated it: as much as is cut is gone, or more.
  bool is_truncated() const { return base_.is_truncated; }
  // Where the oldest byte stands that is still there.
  Result<std::int64_t> first_kept();
  // Where the last `lines` lines begin; first_kept() if there are fewer.
  Result<std::int64_t> start_of_last(std::int64_t lines);
  // Where the line begins that the byte at `offset` belongs to.
  Result<std::int64_t> start_of_line(std::int64_t offset);
  // Reads what stands at `*offset`, or, if that is gone, at the first place behind it that is not:
  // there `*offset` is moved to. 0 at the end. Errors: system_error's.
  Result<std::size_t> read(std::int64_t* offset, char* buffer, std::size_t most);
  // The index as it is now, the log's last write included.
  LogTimes times();

 private:
  LogReader(const AppStore& store, std::string name, Fd file);
  void look_for_base();
  std::int64_t known_size() const;

  const AppStore* store_;
  std::string name_;
  Fd file_;
  LogBase base_;
};

}  // namespace dm::worker
