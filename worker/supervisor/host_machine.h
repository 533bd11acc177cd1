// worker/supervisor/host_machine.h - the machine of a supervisor, by system calls: forks, signals,
// reaps, looks at processes and cgroups, opens nothing on an agent's word. Decides nothing.
#pragma once

#include <sys/resource.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/io/fd.h"
#include "common/io/loop.h"
#include "worker/supervision/machine.h"
#include "worker/supervision/runs.h"
#include "worker/supervisor/cgroups.h"
#include "worker/supervisor/process_watch.h"
#include "worker/supervisor/spawner.h"
#include "worker/supervisor/trees.h"
#include "worker/supervisor/users.h"

namespace dm::supervisor {

class HostMachine : public Machine {
 public:
  struct Settings {
    std::string root;  // names the cgroups
    bool use_cgroups = true;
    std::vector<AppUser> app_users;  // empty: nobody is switched to
    bool can_switch = false;         // we are root
    rlimit open_files{};             // what apps get
  };

  HostMachine(Loop& loop, const Settings& settings);
  // Whom it tells of outcomes and ends. REQUIRES a call before anything else.
  void serve(Runs& runs) { runs_ = &runs; }

  // The descriptor that came with the line that is handled now; invalid: none.
  void offer_log(Fd log) { offered_ = std::move(log); }
  bool has_cgroups() const { return cgroups_.usable(); }

  Now now() const override;
  TimerId at(std::int64_t mono_ms, Task task) override;
  void cancel(TimerId id) override { loop_.cancel(id); }
  void later(Task task) override { loop_.later(std::move(task)); }
  Result<std::string> user_for(const std::string& wanted) const override;
  ForkResult fork(const SpawnOrder& order, const std::string& user,
                  const std::string& cgroup) override;
  void read_outcome(const RunKey& key) override;
  Status check_log() const override;
  void keep_log(const RunKey& key) override { children_[key].log = std::move(offered_); }
  void drop_log(const RunKey& key) override;
  std::string acquire_cgroup(const RunKey& key) override { return cgroups_.acquire(key); }
  void keep_cgroup(const std::string& path) override { cgroups_.keep(path); }
  std::string find_left_cgroup(const RunKey& key) override { return cgroups_.find_left(key); }
  void release_cgroup(const std::string& path, bool killed) override;
  bool sweep_cgroups() override;
  bool has_idle_cgroups() const override { return cgroups_.has_idle(); }
  void reap() override;
  Reached signal_group(const Run& run, int signal) override;
  Reached signal_tree(const Run& run, int signal) override { return trees_.signal(run, signal); }
  KillRound kill_tree(const Run& run) override { return trees_.kill(run); }
  void look() override { trees_.look(runs_->table()); }
  std::vector<std::string> orphans() override { return trees_.orphans(); }
  bool is_empty(const Run& run) override { return trees_.is_empty(run); }
  std::vector<std::string> living(const Run& run) override;
  std::int64_t oom_kills(bool fresh) override;
  ChildrenUsage children_usage() override;
  Result<std::optional<FoundProcess>> find_main(const RunKey& key, int pid,
                                                std::uint64_t start) override;
  void watch(const Run& run) override;
  void unwatch(const RunKey& key) override { watches_.erase(key); }

 private:
  // A child whose exec is not over: its log, and the pipe through which it reports.
  struct Child {
    SpawnOrder order;
    Fd log, report;
  };
  const AppUser* find_user(const std::string& name) const;
  bool may_adopt(int pid) const;
  std::optional<ProcStat> find_marked(const RunKey& key) const;
  void forget_report(Child& child);
  void ask_reports();

  Loop& loop_;
  const Settings settings_;
  Runs* runs_ = nullptr;
  Cgroups cgroups_;
  Spawner spawner_;
  Trees trees_;
  Fd offered_;
  std::map<RunKey, Child> children_;
  std::map<RunKey, std::unique_ptr<ProcessWatch>> watches_;
  std::int64_t oom_kills_ = 0;
  std::int64_t oom_read_ms_ = -1;
  bool will_ask_ = false;
};

}  // namespace dm::supervisor
