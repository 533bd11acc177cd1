// worker/core/log_times.h - when each part of a log was written: the index that lies beside it.
// Pure: never touches a file or a clock.
//
// The index is a text file, one mark a line, "SIZE WALL_MS": at that moment (milliseconds since
// 1970-01-01 UTC) the log had that many bytes. What stands before a mark was written before it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dm::worker {

struct LogMark {
  std::int64_t size = 0;
  std::int64_t wall_ms = 0;
};

std::string print_mark(const LogMark& mark);     // with its newline
inline constexpr std::size_t kLongestMark = 64;  // bytes; a whole one is shorter
// How many bytes at the end of an index are no whole line: a mark whose writing was cut, by a full
// disk say. What is written behind them would be read as one with them.
std::size_t torn_bytes(std::string_view end_of_index);

class LogTimes {
 public:
  // Lines that are no marks, a torn last one among them, count for nothing.
  static LogTimes parse(std::string_view text);
  std::string print() const;

  // What is behind the last mark; a mark that does not lie further on is ignored.
  void add(const LogMark& mark);

  // When the byte at `offset` was written, at the latest. REQUIRES a mark.
  std::int64_t time_of(std::int64_t offset) const;
  // Everything written at or after the moment stands behind this offset; 0 without a mark.
  std::int64_t offset_since(std::int64_t wall_ms) const;

  // Forgets the marks that speak only of bytes before `first_kept`, then, while there are more
  // than `most`, every second one.
  void thin(std::int64_t first_kept, std::size_t most);

  const std::vector<LogMark>& marks() const { return marks_; }

 private:
  std::vector<LogMark> marks_;  // sizes rise
};

// Writes the time before each line, as RFC 3339 in UTC and a space.
class LineStamper {
 public:
  // `bytes` stand at `offset` of the log that `times` speaks of.
  std::string stamp(std::string_view bytes, std::int64_t offset, const LogTimes& times);

 private:
  bool at_line_start_ = true;
};

}  // namespace dm::worker
