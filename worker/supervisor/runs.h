// worker/supervisor/runs.h - spawns, signals and reaps: joins the run table, which judges, to the
// system calls. Knows no socket; what it has to say leaves through two functions.
#pragma once

#include <sys/resource.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "common/io/loop.h"
#include "worker/supervision/run_table.h"
#include "worker/supervisor/cgroups.h"
#include "worker/supervisor/process_watch.h"
#include "worker/supervisor/spawner.h"
#include "worker/supervisor/trees.h"
#include "worker/supervisor/users.h"

namespace dm::supervisor {

class Runs {
 public:
  struct Settings {
    std::string root;  // names the cgroups
    bool use_cgroups = true;
    std::vector<AppUser> app_users;  // empty: nobody is switched to
    bool can_switch = false;         // we are root
    rlimit open_files{};             // what apps get
  };
  // How lines leave: `answer` to the one who asked (false if he has gone), `announce` to every
  // agent.
  struct Outlet {
    std::function<bool(const Asker& asker, const Line& line)> answer;
    std::function<void(const Line& line)> announce;
    std::function<void()> quiet;  // called when perhaps nothing lives or waits any more
  };

  Runs(Loop& loop, const Settings& settings, Outlet outlet);

  // Each request is answered through the outlet, at once or, for a spawn, when its outcome is
  // known. `log` is the app's output and is closed here.
  void spawn(const Asker& asker, const Line& line, Fd log);
  void signal(const Asker& asker, const Line& line);
  // A run that has a lease may live until then; no answer.
  void renew(const Line& line);
  // Takes over a run that another supervisor began: what lives of it is watched, signalled and told
  // of as if it were ours, and ends with EXITED unknown=1. Answered as a spawn, or with not-found.
  void adopt(const Asker& asker, const Line& line);
  void acknowledge(const Line& line) { table_.acknowledge(line.number_or("seq", 0)); }
  void usage(const Asker& asker, const Line& line);

  // Waits for every child that has ended, and tells of it. To be called at SIGCHLD.
  void reap();
  // Takes no new work from now on; SIGINT to every run.
  void interrupt_all();
  // SIGKILL to every tree, until nothing is left.
  void kill_all();

  // Tells everything that a new agent must know, line by line.
  void report(const std::function<void(const Line&)>& send) const;
  // True if nothing lives and nothing waits to be acknowledged; and, the weaker, if nothing lives.
  bool idle() const { return table_.idle() && failed_.empty(); }
  bool all_ended() const { return table_.all_ended() && failed_.empty(); }
  // True if no run is on its way to become one: then save() tells everything that another process
  // needs, which load() takes.
  bool is_settled() const { return starting_.empty(); }
  std::vector<Line> save() const;
  void load(const std::vector<Line>& lines);
  bool has_cgroups() const { return cgroups_.usable(); }

 private:
  struct Starting {
    SpawnOrder order;
    Fd log;
    const AppUser* user = nullptr;
    std::string cgroup;
    Fd report;
    int tries = 0;
  };

  void refuse(const Asker& asker, Error error, int error_number = 0);
  Error still_lives(const RunKey& key) const;
  void begin(const Asker& asker, SpawnOrder order, Fd log);
  void attempt(const RunKey& key);
  void on_report(const RunKey& key);
  void resolve(const RunKey& key, const ChildFailure& failure);
  void fail_spawn(const RunKey& key, const Error& error, int error_number);
  void succeed(Run& run);
  void reap_one(int pid, int status, const rusage& used);
  void record_exit(Run& run, int status, const rusage& used);
  void end_run(Run& run, ExitFacts facts);
  // Adoption (runs_adopt.cc).
  void take_over(Run& run, bool lives);
  void watch_adopted(const Run& run);
  void lost(const RunKey& key);
  bool may_adopt(int pid) const;
  std::optional<ProcStat> find_marked(const RunKey& key) const;
  bool signal_group(const Run& run, int signal) const;
  void check_draining();
  void watch_over();
  void watch_leases();
  void end_leases();
  std::int64_t oom_kills(bool fresh);

  Loop& loop_;
  const Settings settings_;
  const Outlet outlet_;
  RunTable table_;
  Cgroups cgroups_;
  Spawner spawner_;
  Trees trees_;
  std::map<RunKey, Starting> starting_;
  std::map<RunKey, std::unique_ptr<ProcessWatch>> adopted_;
  std::vector<std::string> user_names_;
  std::set<int> failed_;  // children whose exec failed, until they are reaped
  std::int64_t reaped_ = 0;
  std::int64_t oom_kills_ = 0;
  std::int64_t oom_read_ms_ = -1;
  Loop::TimerId lease_timer_{};
  bool stopping_ = false;
  bool looking_ = false;   // a look at draining trees is due
  bool sweeping_ = false;  // a sweep of idle cgroups is due
};

}  // namespace dm::supervisor
