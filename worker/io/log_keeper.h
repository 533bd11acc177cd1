// worker/io/log_keeper.h - keeps the logs within their budgets and their indexes up to date, in a
// helper thread. Decides nothing: worker/core/log_budget.h does.
//
// Now and then it lists all logs. In between it glances at those that were written to since
// (log_watch.h), and the more often the faster they grow: a flood fills a disk in seconds. No log
// is ever read for this.
//
// A log is shortened by a hole at its front, so that whoever writes or reads it notices nothing.
// Where the file system makes no holes the file is truncated, and what went is counted beside it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/io/jobs.h"
#include "worker/core/log_budget.h"
#include "worker/io/app_store.h"
#include "worker/io/log_watch.h"

namespace dm::worker {

class LogKeeper {
 public:
  using Owners = std::map<std::string, LogOwner>;  // by instance
  struct Limits {
    std::optional<std::int64_t> total;  // bytes for all logs; nullopt: the usual share of the disk
    int disk_floor_percent = 0;         // with less of it free, living logs are looked at closely
  };

  // `owners` is asked from the loop, before all logs are listed. All of it lives until the process
  // ends.
  LogKeeper(Loop& loop, const AppStore& store, Limits limits, std::function<Owners()> owners);
  LogKeeper(const LogKeeper&) = delete;
  LogKeeper& operator=(const LogKeeper&) = delete;

  // Looks now, and from then on again and again.
  void start();
  // A run has begun, and nobody knows yet how fast it will write: looked at soon. Or it has ended.
  void began(const std::string& instance, const LogOwner& owner);
  void ended(const std::string& instance, std::int64_t run);

  // One look, in whatever thread: cuts what is over its budget, marks what has grown. True if
  // something was cut. What cannot be done is tried again at the next look.
  bool look(const Owners& owners, Now now);
  // The same for the logs that were written to since the last look or glance, and those of the
  // instances of which something else is known now.
  bool glance(const Owners& changed, Now now);
  // When the next glance is due, counted from the last look or glance.
  std::int64_t wait_ms() const { return wait_ms_; }

 private:
  using LogKey = std::pair<std::string, std::int64_t>;  // instance and run
  struct Marked {
    std::int64_t run = 0, size = -1, at_mono_ms = 0;
  };
  struct Pace {
    std::int64_t run = 0, size = 0, since_mono_ms = 0;
  };
  void run();
  void rest(std::int64_t wait);
  void look_soon();
  void learn(const std::string& instance, const LogOwner& owner);
  std::set<LogKey> find_changed(const Owners& changed);
  std::optional<LogFile> find(const LogName& name) const;
  void set_file(const LogKey& key, std::optional<LogFile> file);
  bool is_last(const LogFile& file) const;
  bool keep(const std::set<LogKey>& changed, Now now, std::int64_t begun);
  std::vector<LogCut> plan(const std::set<LogKey>& changed, std::int64_t total) const;
  std::int64_t used_by(const std::string& instance) const;
  void measure(const std::set<LogKey>& changed, Now now, std::int64_t total);
  std::int64_t total() const;
  bool is_disk_low() const;
  void cut(const LogCut& cut);
  void shorten(const LogCut& cut, const std::string& name, bool is_alive);
  void truncate(const std::string& name, int file) const;
  void notice_truncation(const LogFile& before, const LogFile& now) const;
  void mark(const LogFile& file, Now now);

  Loop& loop_;
  const AppStore& store_;
  Limits limits_;
  std::function<Owners()> owners_;
  Jobs jobs_;

  // The loop's.
  std::optional<Loop::TimerId> timer_;  // none while a look is under way
  std::int64_t timer_at_ = 0, list_at_ms_ = 0;
  bool is_hurried_ = false;
  Owners changed_;  // since the last look began

  // The helper thread's, of which there is one at a time.
  LogWatch watch_;
  std::map<std::string, Marked> marked_;  // by instance
  std::set<LogKey> unmarked_;             // written to, and marked too lately to be marked again
  std::map<std::string, Pace> paces_;     // of living logs, by instance
  std::set<std::string> living_, young_;  // instances; whose log was not looked at for long yet
  std::map<LogKey, LogFile> files_;
  std::int64_t used_ = 0, looked_mono_ms_ = 0;  // by all files; at the last look or glance
  Owners known_;
  std::int64_t wait_ms_ = 0, took_ms_ = 0;
};

}  // namespace dm::worker
