// worker/supervision/runs.h - every decision about runs: what is spawned, adopted, signalled and
// killed, when a tree has ended, whose lease is over, what is kept until it is acknowledged. Pure:
// the machine behind it makes the calls.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "worker/supervision/machine.h"
#include "worker/supervision/run_table.h"

namespace dm::supervisor {

class Runs {
 public:
  // How lines leave: `answer` to the one who asked (false if he has gone), `announce` to every
  // agent.
  struct Lines {
    std::function<bool(const Asker& asker, const Line& line)> answer;
    std::function<void(const Line& line)> announce;
    std::function<void()> quiet;  // called when perhaps nothing lives or waits any more
  };

  // Borrows the machine.
  Runs(Machine& machine, Lines lines) : machine_(machine), lines_(std::move(lines)) {}
  Runs(const Runs&) = delete;
  Runs& operator=(const Runs&) = delete;

  // Each request is answered, at once or, for a spawn, when its outcome is known.
  void spawn(const Asker& asker, const Line& line);
  void signal(const Asker& asker, const Line& line);
  // A run that has a lease may live until then; no answer.
  void renew(const Line& line);
  // Takes over a run that another supervisor began: what lives of it is watched, signalled and told
  // of as if it were ours, and ends with EXITED unknown=1. Answered as a spawn, or with not-found.
  void adopt(const Asker& asker, const Line& line);
  void acknowledge(const Line& line) { table_.acknowledge(line.number_or("seq", 0)); }
  void usage(const Asker& asker, const Line& line);

  // What the machine tells. The exec of a run's child has succeeded, or failed.
  void resolve(const RunKey& key, const std::optional<SpawnFailure>& failure);
  // A child was waited for; of `facts` what wait4(2) said.
  void reaped(int pid, ExitFacts facts);
  // The last of a round of reaped(): looks at what the dead have left.
  void reaped_all();
  // The main process of an adopted run has ended.
  void lost(const RunKey& key);

  // Takes no new work from now on; SIGINT to every run.
  void interrupt_all();
  // SIGKILL to every tree, until nothing is left.
  void kill_all();

  // Tells everything that a new agent must know, line by line.
  void report(const std::function<void(const Line&)>& send) const;
  // True if nothing lives and nothing waits to be acknowledged; and, the weaker, if nothing lives.
  bool idle() const { return table_.idle() && failed_.empty(); }
  bool all_ended() const { return table_.all_ended() && failed_.empty(); }
  // Runs of which something lives that we may not kill: "INSTANCE (pid PID)".
  std::vector<std::string> denied() const;
  // True if no run is on its way to become one: then save() tells everything that another process
  // needs, which load() takes.
  bool is_settled() const { return starting_.empty(); }
  std::vector<Line> save() const;
  void load(const std::vector<Line>& lines);

  const RunTable& table() const { return table_; }

 private:
  struct Starting {
    SpawnOrder order;
    std::string user, cgroup;
    int tries = 0;
  };

  void refuse(const Asker& asker, const Error& error, int error_number = 0);
  // Answers a line about a run that is known, or must not be. True if there is nothing left to do.
  bool answer_known(const Asker& asker, const RunKey& key);
  void begin(const Asker& asker, SpawnOrder order);
  void attempt(const RunKey& key);
  void release_cgroup(Starting& starting, const Run& run);
  void fail_spawn(const RunKey& key, const Error& error, int error_number);
  void succeed(Run& run);
  void end_run(Run& run, ExitFacts facts);
  void take_over(Run& run, const std::optional<FoundProcess>& main);
  void refuse_denied(const Asker& asker, const Run& run);
  Reached deliver(const Run& run, int signal, bool to_tree);
  void check_draining();
  void watch_over();
  void watch_leases();
  void end_leases();
  // SIGKILL to the whole tree, again and again until nothing is left (runs_kill.cc).
  Reached kill(const Run& run);
  void kill_round(const RunKey& key, std::int64_t next_ms);
  // Who belongs to which run, and what belongs to none (runs_look.cc).
  void look_before_signal();
  void look();
  void look_again();
  void tell_orphans();

  Machine& machine_;
  const Lines lines_;
  RunTable table_;
  std::map<RunKey, Starting> starting_;
  std::set<RunKey> being_killed_;
  std::set<RunKey> denied_;  // of being_killed_: something of them is not ours to kill
  std::set<int> failed_;     // children whose exec failed, until they are reaped
  std::int64_t reaped_ = 0;
  Machine::TimerId lease_timer_{};
  bool stopping_ = false;
  std::vector<std::string> orphans_;  // as the agents were told
  std::int64_t look_cost_ms_ = 0, looked_ms_ = 0;
  bool will_look_ = false;
  bool looking_ = false;   // a look at draining trees is due
  bool sweeping_ = false;  // a sweep of idle cgroups is due
};

}  // namespace dm::supervisor
