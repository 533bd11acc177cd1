// worker/core/log_budget.h - decides which logs are dropped and which lose their oldest part, so
// that they stay within their budgets. Pure: never touches a file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dm {

inline constexpr std::int64_t kDefaultLogMost = 100LL * 1024 * 1024;  // of one instance, bytes
inline constexpr std::int64_t kLeastLogMost = 64LL * 1024;
// What a hole is made of: fallocate(2) frees whole blocks only.
inline constexpr std::int64_t kLogBlock = 4096;

// One log of one run, as it lies on disk.
struct LogFile {
  std::string instance;
  std::int64_t run = 0;
  std::int64_t size = 0;        // bytes, holes included
  std::int64_t used = 0;        // bytes that take room
  std::int64_t written_ms = 0;  // wall clock
};

// What the agent knows of an instance.
struct LogOwner {
  std::int64_t run = 0;  // its last one
  bool is_alive = false;
  std::int64_t most = kDefaultLogMost;  // bytes, for the logs of all its runs
};

struct LogCut {
  std::string instance;
  std::int64_t run = 0;
  // 0: the file goes. Else what stands before this offset, a multiple of kLogBlock.
  std::int64_t keep_from = 0;
};

// What must go, oldest first. An instance over its budget is brought a tenth below it, so that
// not every line it writes costs a cut; the log of its last run is shortened, never dropped. Then
// the same for all of them and `total`: first the runs that have a successor, by age, then the
// last runs of what has ended, and only then the living ones, the largest first; these are
// shortened only.
std::vector<LogCut> plan_log_cuts(const std::vector<LogFile>& files,
                                  const std::map<std::string, LogOwner>& owners,
                                  std::int64_t total);

// The budget for all logs of a worker if nobody gave one: a tenth of the file system, at most
// 10 GiB.
std::int64_t default_logs_total(std::int64_t disk_bytes);

// When to look again, in milliseconds: soon after something had to be cut, for whoever filled a
// budget goes on; less often where looking takes long.
std::int64_t next_log_look_ms(bool has_cut, std::int64_t took_ms);

// "APP.N.RUN"; nullopt for everything else, such as what lies beside a log.
struct LogName {
  std::string instance;
  std::int64_t run = 0;
};
std::optional<LogName> parse_log_name(std::string_view name);

}  // namespace dm
