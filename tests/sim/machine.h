// tests/sim/machine.h - a worker's processes in virtual time: apps that exit, hang, ignore SIGINT,
// leave survivors or cannot be executed, and the process of a supervisor, which runs the real
// decisions (worker/supervision). It may die alone: its apps go on, and the next one adopts them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/clock.h"
#include "tests/sim/ledger.h"
#include "tests/sim/network.h"
#include "tests/sim/timeline.h"
#include "worker/supervision/supervision.h"

namespace dm::sim {

using supervisor::ForkResult;
using supervisor::FoundProcess;
using supervisor::Run;
using supervisor::SpawnOrder;

class SimMachine : public supervisor::Machine, public supervisor::Outlet {
 public:
  struct Place {
    Mortal& host;
    Network& local;
    Ledger& ledger;
    int worker = 0;
    std::string boot_id;
    int pid = 0;  // of the supervisor
    std::function<Now()> now;
    // Is the executable of an order with that environment there?
    std::function<bool(const std::vector<std::string>& env)> has_files;
    // The supervisor's fuse has burnt down: ends it, or the whole machine.
    std::function<void()> end;
  };
  explicit SimMachine(Place place);

  // An agent's connection; greets it.
  Network::Id connect(Network::Handlers agent);
  bool has_ended() const { return ended_; }
  // The supervisor dies at the `effects`th effect from now: a line that it would send, a fork, a
  // signal.
  void light_fuse(std::int64_t effects) { fuse_ = effects; }
  // kill -9: what it knew is gone, its connections with it; the apps are not.
  void kill();
  // The next one on this machine.
  void start_again(int pid);

  Now now() const override { return place_.now(); }
  TimerId at(std::int64_t mono_ms, Task task) override;
  void cancel(TimerId id) override { timers_.erase(id); }
  void later(Task task) override;
  Result<std::string> user_for(const std::string&) const override { return std::string(); }
  ForkResult fork(const SpawnOrder& order, const std::string& user,
                  const std::string& cgroup) override;
  void read_outcome(const RunKey&) override {}
  Status check_log() const override { return {}; }
  void keep_log(const RunKey&) override {}
  void drop_log(const RunKey&) override {}
  std::string acquire_cgroup(const RunKey&) override { return {}; }
  void keep_cgroup(const std::string&) override {}
  std::string find_left_cgroup(const RunKey&) override { return {}; }
  void release_cgroup(const std::string&, bool) override {}
  bool sweep_cgroups() override { return false; }
  bool has_idle_cgroups() const override { return false; }
  void reap() override {}
  supervisor::Reached signal_group(const Run& run, int signal) override;
  supervisor::Reached signal_tree(const Run& run, int signal) override;
  supervisor::KillRound kill_tree(const Run& run) override;
  void look() override {}
  std::vector<std::string> orphans() override { return {}; }
  bool is_empty(const Run& run) override { return !apps_.contains(run.key); }
  std::vector<std::string> living(const Run& run) override;
  std::int64_t oom_kills(bool) override { return 0; }
  supervisor::ChildrenUsage children_usage() override { return {}; }
  Result<std::optional<FoundProcess>> find_main(const RunKey& key, int pid,
                                                std::uint64_t start) override;
  void watch(const Run& run) override { watched_.insert(run.key); }
  void unwatch(const RunKey& key) override { watched_.erase(key); }

  void send(std::int64_t connection, const Line& line) override;
  void close(std::int64_t connection) override;
  bool is_open(std::int64_t connection) const override { return open_.contains(connection); }
  bool flush() override { return true; }
  Line greeting() const override;
  void clear(const supervisor::Asker&, const Line&) override {}
  void upgrade(const supervisor::Asker&) override {}
  void end() override;

 private:
  struct App {
    bool ignores_sigint = false, ignores_sigterm = false;
    bool began = false, fails = false;  // once its exec is over
    int early_signal = 0;               // came before exec had succeeded
    bool is_killed = false;
    std::int64_t survivors = 0;
    std::int64_t lives_for = 0;
    int exit_code = 0;
    int pid = 0;
    int parent = 0;           // the supervisor's pid
    bool is_running = false;  // the main process; else only survivors are left
    bool has_lease = false;   // dies with its supervisor
  };

  bool takes_effect();
  void burn();
  // A task of the machine, and one of this supervisor's process.
  void after(std::int64_t delay, Timeline::Task task);
  void after_here(std::int64_t delay, Timeline::Task task);
  void on_line(Network::Id peer, const Line& line);
  void on_closed(Network::Id peer);
  App make_app(const SpawnOrder& order);
  void exec(const RunKey& key);
  void reach(const Run& run, int number, bool tree);
  void exit_soon(const RunKey& key, int status, std::int64_t delay);
  void exit(const RunKey& key, int status);
  void empty_soon(const RunKey& key, std::int64_t delay);

  Place place_;
  std::map<RunKey, App> apps_;
  std::set<RunKey> watched_;
  std::set<std::int64_t> open_;
  std::set<TimerId> timers_;
  std::uint64_t next_timer_ = 1, process_ = 0;  // process_: counts the supervisors
  int next_pid_ = 1000;
  std::int64_t fuse_ = 0;
  bool is_doomed_ = false;  // from here on nothing that the supervisor does has an effect
  bool ended_ = false;
  std::unique_ptr<supervisor::Supervision> supervision_;  // last: it calls us
};

}  // namespace dm::sim
