// worker/io/log_keeper.h - keeps the logs within their budgets and their indexes up to date, in a
// helper thread. Decides nothing: worker/core/log_budget.h does.
//
// A log is shortened by a hole at its front, so that whoever writes or reads it notices nothing.
// Where the file system makes no holes the file is truncated, and what went is counted beside it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "common/io/jobs.h"
#include "worker/core/log_budget.h"
#include "worker/io/app_store.h"

namespace dm {

class LogKeeper {
 public:
  using Owners = std::map<std::string, LogOwner>;  // by instance

  // `total`: bytes for all logs; nullopt for the usual share of the disk. `owners` is asked from
  // the loop, before each look. All of it lives until the process ends.
  LogKeeper(Loop& loop, const AppStore& store, std::optional<std::int64_t> total,
            std::function<Owners()> owners);
  LogKeeper(const LogKeeper&) = delete;
  LogKeeper& operator=(const LogKeeper&) = delete;

  // Looks now, and from then on again and again.
  void start();

  // One look, in whatever thread: cuts what is over its budget, marks what has grown. True if
  // something was cut. What cannot be done is tried again at the next look.
  bool look(const Owners& owners, Now now);

 private:
  struct Marked {
    std::int64_t run = 0, size = -1, at_mono_ms = 0;
  };
  void run();
  std::vector<LogFile> list() const;
  std::int64_t total() const;
  bool cut(const LogCut& cut, const Owners& owners) const;
  void shorten(const LogCut& cut, const std::string& name, bool is_alive) const;
  void mark(const LogFile& file, const LogOwner& owner, Now now);

  Loop& loop_;
  const AppStore& store_;
  std::optional<std::int64_t> total_;
  std::function<Owners()> owners_;
  Jobs jobs_;
  std::map<std::string, Marked> marked_;  // by instance; the helper thread's
};

}  // namespace dm
