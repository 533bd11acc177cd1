// worker/core/agent.h - the core of a worker: obeys the master, keeps the instances as they are
// wanted, reports what happens. Pure: an event and the time go in, effects come out; it never
// touches a descriptor, a clock or a random source.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "worker/core/boot_hold.h"
#include "worker/core/cluster_binding.h"
#include "worker/core/cpu_average.h"
#include "worker/core/deadlines.h"
#include "worker/core/effects.h"
#include "worker/core/instance.h"
#include "worker/core/master_link.h"
#include "worker/core/sample_turns.h"

namespace dm::worker {

// Ends of runs that are kept for a master that is away. Of more the oldest are dropped; the master
// counts them by the numbers that are missing.
inline constexpr std::size_t kMostEnds = 10'000;

class Agent {
 public:
  Agent(HostFacts facts, std::uint64_t seed);

  // Rebuilds what an earlier agent knew; records come in their order, before any event.
  // Errors: bad-line for a record that no agent of this version writes.
  Status replay(const Line& record);
  // The records that rebuild the present state: the journal, shortened.
  std::vector<Line> snapshot() const;

  // What follows from an event. A record (Append) stands before the effects that rest on it.
  Effects on(const Event& event, Now now);

  // When Tick is due (mono_ms); kNever if it is not.
  std::int64_t next_deadline() const;

  const std::map<std::string, Instance>& instances() const { return instances_; }
  bool is_connected() const { return link_.is_up(); }

 private:
  using Handler = void (Agent::*)(const Line&, Now);
  struct Order;  // one row per verb of the master
  static const Order kOrders[];

  // Events that are no lines.
  void handle(const MasterUp&, Now now) { link_.on_up(now); }
  void handle(const MasterDown& down, Now now) { link_.on_down(down.why, now, out_); }
  void handle(const MasterLine& event, Now now);
  void handle(const SupervisorUp&, Now) {}  // its greeting follows
  void handle(const SupervisorDown&, Now) { supervisor_ready_ = false; }
  void handle(const SupervisorLine& event, Now now);
  void handle(const SpawnFailed& failed, Now now);
  void handle(const InstallProgress& progress, Now now);
  void handle(const Installed& installed, Now now);
  void handle(const Removed& removed, Now now);
  void handle(const InstancesRemoved& removed, Now now);
  void handle(const Probed& probed, Now now);
  void handle(const Sampled& sampled, Now now);
  void handle(const StreamEnded& ended, Now now);
  void handle(const Leave&, Now now);
  void handle(const Tick&, Now now);

  // Orders of the master (agent_orders.cc).
  void bind();
  void obey(const Line& order, Now now);
  void probe(const Line& order, Now now);
  void install(const Line& order, Now now);
  void remove(const Line& order, Now now);
  void forget(const Line& order, Now now);
  bool is_being_forgotten(const std::string& instance) const;
  void launch(const Line& order, Now now);
  void stop(const Line& order, Now now);
  void kill(const Line& order, Now now);
  void usage(const Line& order, Now now);
  void log(const Line& order, Now now);
  void cancel(const Line& order, Now now);
  void acknowledge(const Line& order, Now now);
  void answer_launch(Instance& instance, const std::string& id, std::int64_t run);
  void learn(Instance& instance, const InstanceSpec& spec);
  Instance* find_for(const Line& order);
  void set_grace(Instance& instance, std::int64_t grace_ms, bool may_kill, Now now);
  void ok(const std::string& id) { to_master(Line("OK").add("id", id)); }
  void err(std::string_view id, const Error& error);
  bool has_less_than(int percent) const;  // free on the disk
  bool is_disk_low() const { return has_less_than(facts_.disk_floor_percent); }
  Error disk_low() const;

  // What must never live twice (agent_leases.cc).
  void note_beat(std::int64_t beat, Now now);
  std::int64_t lease_end(std::int64_t beat, std::int64_t lease_ms) const;
  void renew(const Line& order, Now now);

  // The supervisor's lines (agent_supervisor.cc).
  void supervisor_greets(const Line& line, Now now);
  void supervisor_run(const Line& line, Now now);
  bool is_news(const Line& line) const;
  bool take_up(const Line& line, Now now);
  void end_stray(const Instance& instance, const Line& line);
  void supervisor_exited(const Line& line, Now now);
  void supervisor_empty(const Line& line, Now now);
  void supervisor_synced(const Line& line, Now now);
  void supervisor_answer(const Line& line, Now now);
  void supervisor_orphans(const Line& line, Now now);
  void signalled(const Line& line);
  void began(Instance& instance, const Line& line, Now now);
  void upgraded(const Line& answer);
  void resume(Instance& instance, bool seen, Now now);
  void adopt(const Instance& instance);
  void adopted(Instance& instance, const Line& line, Now now);
  void lose(Instance& instance, bool rebooted, Now now);
  void signal_again(Instance& instance, Now now);

  // The runs (agent_runs.cc).
  void drive(Instance& instance, RunEvent event, Now now);
  void perform(Instance& instance, RunAction action, Now now);
  void begin_run(Instance& instance);
  void send_spawn(Instance& instance);
  void signal(const Instance& instance, int number, std::string_view to);
  void finish(Instance& instance, const EndOfRun& end, std::int64_t supervisor_seq, Now now);
  void record_end(Instance& instance, const EndOfRun& end, std::int64_t supervisor_seq);
  void decide_restart(Instance& instance, const EndOfRun& end, Now now);
  void restart(Instance& instance, RunEvent event, Now now);
  void pause(Instance& instance, std::int64_t delay, Now now);
  void slow_down(const std::string& name, std::int64_t seq, Now now);
  void expire(Instance& instance, Now now);
  void answer_launches(Instance& instance);
  void answer_end(Instance& instance);
  void answer_timeout(Instance& instance);
  std::string beside() const;
  void set_wanted(Instance& instance, bool wanted);
  void set_deadline(Instance& instance, std::int64_t at);

  // Identity (agent_identity.cc).
  void hold_until_heard(Now now);
  void note_greeting(const Line& line, Now now);
  void let_go(Now now);
  void note_enrolment();
  bool wants_to_enrol() const;

  void erase(const std::string& instance);

  void replay_end(const Line& record);
  void replay_mended();
  void keep_end(const Line& end);
  bool is_last_end(const Line& end) const;
  Status replay_run(const Line& record);
  void greet(Now now);
  void tell_of_the_disk();
  void beat(Now now);
  void tell(Instance& instance);
  // Without a session nobody would understand it: the master asks again when there is one.
  void to_master(const Line& line) {
    if (link_.is_up()) out_.push_back(ToMaster{line});
  }
  void append(const Line& record) { out_.push_back(Append{record, false}); }
  // For what a power failure may take, since it takes the processes too: the end of a run, a
  // restart by policy. Written before anything follows from it, not waited for.
  void append_lazily(const Line& record) { out_.push_back(Append{record, true}); }

  HostFacts facts_;
  MasterLink link_;
  Random random_;
  Effects out_;  // of the event at hand

  std::map<std::string, Instance> instances_;
  Deadlines deadlines_;  // of the instances
  SampleTurns turns_;
  BootHold hold_;
  std::map<std::pair<std::string, std::string>, std::string> installed_;  // app, manifest: exe
  // Orders that wait for slow work; one work serves all who ask for the same.
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> installing_;
  std::map<std::string, std::vector<std::string>> removing_;    // by app
  std::map<std::string, std::vector<std::string>> forgetting_;  // FORGET orders: instances
  std::set<std::string> streaming_;                             // LOG orders
  std::deque<Line> unacknowledged_;  // EXITED lines with their seq, until the master has ACKed them
  std::int64_t next_end_ = 1;
  std::int64_t acked_ = 0;  // the master has every end up to this one
  std::int64_t beats_ = 0;
  std::int64_t next_beat_ = kNever;
  std::deque<std::pair<std::int64_t, std::int64_t>> beat_times_;  // seq, mono_ms; of this session
  std::optional<HostSample> host_;                                // as it was measured last
  bool disk_told_ = false;                                        // that it is nearly full
  CpuAverage cpu_average_;
  ClusterBinding binding_;

  std::string supervisor_;  // who was met last: boot id, pid, start time
  bool supervisor_ready_ = false;
  bool is_outdated_ = false;          // it runs another build than we do
  bool upgrade_asked_ = false;        // once is enough: it says why not
  std::int64_t adopting_ = 0;         // what it is asked to take over from one that died
  std::set<std::string> seen_;        // instances the supervisor named since its greeting
  std::vector<std::string> orphans_;  // of no run, as the supervisor told it; some are named
  std::int64_t orphan_count_ = 0;
};

}  // namespace dm::worker
