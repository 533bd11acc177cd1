// worker/io/log_head.h - the first line of a log, ours, by which it shows when an app has truncated
// it. Decides nothing.
//
// A program may open its output by name (/dev/stderr), which mostly truncates the file. Where the
// line is gone, and no hole of log_keeper.h stands in its place, that has happened. What is known
// to be lost then is counted beside the log, like what a file system without holes makes us
// truncate.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

namespace dm::worker {

inline constexpr std::string_view kLogHead = "dm log\n";
inline constexpr const char* kLogGoneSuffix = ".gone";  // bytes truncated away, in decimal
// No log is taken to be longer, whatever its app says: sizes can be added up.
inline constexpr std::int64_t kMostLogSize = std::int64_t{1} << 55;

// Writes the line into an empty log and marks the file as one that has it (by the sticky bit, which
// means nothing else on a file); older versions made logs without. Best effort.
void begin_log(int file);

// Where a log's bytes are in its file: the byte at `base` + N of the log is the file's byte N.
struct LogBase {
  std::int64_t base = 0;
  std::int64_t head = 0;      // bytes at the front of the file that are none of the log
  bool is_truncated = false;  // its app has truncated it
  bool is_counted = true;     // what was truncated is counted beside it; if not, `base` is a guess
};

// `known`: how long the log was at least when somebody looked; for a guess.
LogBase read_log_base(int logs_directory, const std::string& name, int file, std::int64_t known);

// Counts what the app has truncated away: `base` bytes. Errors: system_error's.
Status count_truncation(int logs_directory, const std::string& name, std::int64_t base);

// What stands in the file of that name beside a log: whole or not at all, so that no reader finds
// half a number. Not synced: after a power failure offsets may be counted anew, and no byte is lost
// by that. Errors: system_error's.
Status replace_beside(int directory, const std::string& name, const std::string& text);
// The file's content, or what could be read of it.
std::string read_beside(int directory, const std::string& name, std::size_t most);

}  // namespace dm::worker
