// tests/sim/supervisor.h - a supervisor and its apps without processes: the real table of runs, and
// apps that exit, hang, ignore SIGINT, leave survivors or cannot be executed. May die alone: its
// apps go on, and its successor adopts them.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "common/clock.h"
#include "tests/sim/ledger.h"
#include "tests/sim/network.h"
#include "tests/sim/timeline.h"
#include "worker/supervision/run_table.h"

namespace dm::sim {

using supervisor::Asker;
using supervisor::ExitFacts;
using supervisor::Run;
using supervisor::RunPhase;
using supervisor::RunTable;
using supervisor::SpawnOrder;

class SimSupervisor {
 public:
  struct Place {
    Mortal& host;
    Network& local;
    Ledger& ledger;
    int worker = 0;
    std::string boot_id;
    int pid = 0;
    std::function<Now()> now;
    // Is the executable of that SPAWN there?
    std::function<bool(const Line&)> has_files;
    // Its fuse has burnt down: ends it, or the whole machine.
    std::function<void()> end;
  };
  explicit SimSupervisor(Place place) : place_(std::move(place)) {}

  // An agent's connection; greets it.
  Network::Id connect(Network::Handlers agent);
  bool has_ended() const { return ended_; }
  // Dies at the `effects`th effect from now: a line that it would send, a fork, a signal.
  void light_fuse(std::int64_t effects) { fuse_ = effects; }
  // kill -9: what it knew is gone, its connections with it; the apps are not.
  void kill();
  // The next one on this machine.
  void start_again(int pid);

 private:
  struct App {
    bool ignores_sigint = false, ignores_sigterm = false;
    bool began = false, fails = false;  // once its exec is over
    int early_signal = 0;               // came before exec had succeeded
    std::int64_t survivors = 0;
    std::int64_t lives_for = 0;
    int exit_code = 0;
    int pid = 0;
    std::int64_t started_ms = 0;
    bool is_running = false;          // the main process; else only survivors are left
    std::int64_t lease_until_ms = 0;  // 0: it has none
  };

  bool takes_effect();
  void burn();
  void send(Network::Id peer, const Line& line);
  void later(std::int64_t delay, Timeline::Task task);
  void on_line(Network::Id peer, const Line& line);
  void on_closed(Network::Id peer);
  bool take_role(Network::Id peer);
  void spawn(const Asker& asker, const Line& line);
  void resolve(const RunKey& key);
  void adopt(const Asker& asker, const Line& line);
  void renew(const Line& line);
  void watch_lease(const RunKey& key);
  void signal(const Asker& asker, const Line& line);
  void reach(const Run& run, int number, bool tree);
  void exit_soon(const RunKey& key, int status, std::int64_t delay);
  void exit(const RunKey& key, int status);
  void tell_end(Run& run, ExitFacts facts);
  void empty_soon(const RunKey& key, std::int64_t delay);
  void refuse(const Asker& asker, const Error& error);
  bool answer(const Asker& asker, const Line& line);
  void announce(const Line& line);
  void maybe_end();

  Place place_;
  RunTable table_;
  std::map<RunKey, App> apps_;
  std::map<Network::Id, bool> peers_;  // has it spoken?
  int next_pid_ = 1000;
  std::int64_t fuse_ = 0;
  bool is_doomed_ = false;  // from here on nothing that it does has an effect
  bool ended_ = false;
};

}  // namespace dm::sim
