// worker/core/proc_stat.h - one process as the kernel describes it in /proc/PID/stat. Pure: it is
// given the text, and never touches a descriptor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dm::worker {

// The fields of proc(5) that somebody here needs. Times are in clock ticks.
struct ProcStat {
  int pid = 0;
  std::string comm;  // up to 15 bytes, whatever bytes the process chose
  char state = '?';
  int ppid = 0;
  int pgid = 0;
  int sid = 0;
  std::uint64_t utime = 0, stime = 0;    // of the process itself
  std::uint64_t cutime = 0, cstime = 0;  // of the children that it has waited for
  int threads = 0;
  std::uint64_t start = 0;  // since boot; with the boot id and the pid it names a process for ever
  std::uint64_t rss_pages = 0;

  // False for what has ended and only waits to be reaped. A process whose first thread has ended
  // shows as a zombie too, but its other threads go on.
  bool alive() const { return (state != 'Z' && state != 'X') || threads > 1; }
};

// Reads the text of /proc/PID/stat; nullopt if it is anything else. The name may hold spaces and
// parentheses: what counts is the last ')'.
std::optional<ProcStat> parse_stat(std::string_view text);

}  // namespace dm::worker
