// worker/core/log_budget.h - decides which logs are dropped and which lose their oldest part, so
// that they stay within their budgets. Pure: never touches a file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dm::worker {

inline constexpr std::int64_t kDefaultLogMost = 100LL * 1024 * 1024;  // of one instance, bytes
inline constexpr std::int64_t kLeastLogMost = 64LL * 1024;
// What a hole is made of: fallocate(2) frees whole blocks only.
inline constexpr std::int64_t kLogBlock = 4096;

// One log of one run, as it lies on disk.
struct LogFile {
  std::string instance;
  std::int64_t run = 0;
  std::int64_t size = 0;        // bytes, holes included
  std::int64_t used = 0;        // bytes that take room, those behind its end included
  std::int64_t written_ms = 0;  // wall clock
  std::int64_t beyond = 0;      // of `used`: set aside behind its end
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
  // 0: the file goes. Else what stands before this offset, a multiple of kLogBlock; -1: nothing.
  std::int64_t keep_from = 0;
  bool trims = false;  // what is set aside behind its end goes
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

// How a budget has filled lately: of one living instance, or of all logs together.
struct LogGrowth {
  std::int64_t most = 0;     // the budget, bytes
  std::int64_t used = 0;     // of it
  std::int64_t grown = 0;    // bytes written since the look before
  std::int64_t over_ms = 0;  // the time between the two looks
  std::int64_t age_ms = 0;   // how long it has been looked at
};

// When to look at the living logs again, in milliseconds: before the fastest of them, if it goes
// on like this, is a quarter beyond its budget; on a full disk before it is beyond it at all. A
// young one has shown no pace yet, so it is looked at soon, then less and less often. `took_ms` is
// what looking costs, cutting not counted: that is the writer's fault, and must not delay the next.
std::int64_t next_log_look_ms(const std::vector<LogGrowth>& living, bool disk_is_low,
                              std::int64_t took_ms);

// When to list all logs again, the dead ones too.
std::int64_t next_log_list_ms(std::int64_t took_ms);

// What was dropped whole of an instance's logs, as it is kept beside them: "COUNT LAST-RUN\n".
struct DroppedLogs {
  std::int64_t count = 0;
  std::int64_t last_run = 0;  // the highest of them

  static DroppedLogs parse(std::string_view text);  // nothing from a text that is none
  std::string print() const;
  DroppedLogs with(std::int64_t run) const;
};

// Why an instance has no log of a run.
std::string why_no_log(const std::string& instance, std::int64_t run, const DroppedLogs& dropped);

// "APP.N.RUN"; nullopt for everything else, such as what lies beside a log.
struct LogName {
  std::string instance;
  std::int64_t run = 0;
};
std::optional<LogName> parse_log_name(std::string_view name);

}  // namespace dm::worker
