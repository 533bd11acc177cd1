// worker/supervision/run_table.h - what the supervisor remembers: living runs, and how ended ones
// ended, until the agent has acknowledged it. Pure: starts, signals and reaps nothing, reads no
// clock.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/codec.h"
#include "worker/supervision/spawn_order.h"

namespace dm::supervisor {

inline constexpr std::size_t kMaxRuns = 16384;   // living and not acknowledged, together
inline constexpr std::size_t kMaxSurvivors = 8;  // named in an EXITED line
inline constexpr std::size_t kMaxWaiting = 16;   // requests that wait for one spawn

// Who waits for an answer: a connection, and the id of the request on it.
struct Asker {
  std::int64_t connection = 0;
  std::string id;
};

// kStarting: forked; whether its exec succeeded is not known yet. kDraining: the main process
// has been reaped, others of its tree live. kEnded: nothing lives.
enum class RunPhase { kStarting, kLiving, kDraining, kEnded };

// What wait4(2) and the clock said of the main process.
struct ExitFacts {
  std::int64_t ended_ms = 0;  // wall clock
  int status = 0;             // as wait4 gave it
  std::int64_t user_us = 0;
  std::int64_t system_us = 0;
  std::int64_t max_rss_bytes = 0;
  std::int64_t left = 0;               // living processes of the tree
  std::vector<std::string> survivors;  // PID:COMM, at most kMaxSurvivors
  std::optional<std::int64_t> oom_kills;
  bool unknown = false;      // nobody could wait for it: only the time and what is left are known
  bool lease_over = false;   // we killed it for that
  bool all_stopped = false;  // everything was being stopped (STOP-ALL)
};

struct Run {
  RunKey key;
  RunPhase phase = RunPhase::kStarting;
  int pid = 0;                  // 0: no process yet
  std::uint64_t start = 0;      // clock ticks since boot
  std::int64_t started_ms = 0;  // wall clock
  std::string cgroup;           // absolute path; empty: none
  bool cgroup_killed = false;
  bool is_adopted = false;  // another supervisor's child
  // With a lease: nothing of it may live beyond (CLOCK_BOOTTIME, milliseconds); 0: it has none.
  std::int64_t lease_until_ms = 0;
  bool lease_over = false;
  std::int64_t oom_kills_before = 0;
  std::vector<Asker> waiting;  // for the outcome of the spawn
  std::int64_t seq = 0;        // of the exit record
  bool acknowledged = false;
  ExitFacts exit;

  bool lives() const { return phase == RunPhase::kStarting || phase == RunPhase::kLiving; }
  bool has_exited() const { return !lives(); }
};

// What to do with a SPAWN.
enum class SpawnVerdict {
  kSpawn,   // nobody has spawned it: do
  kWait,    // it is being spawned: answer when the outcome is known
  kAnswer,  // it was spawned: answer from the record, spawn nothing
  kExists,  // a later run of the instance is known: an old line, come late
  kLives,   // an earlier run of the instance lives
  kFull,    // more runs than kMaxRuns, or than kMaxWaiting requests for this one
};

class RunTable {
 public:
  SpawnVerdict judge(const RunKey& key) const;
  // An earlier run of the same instance whose main process lives; nullptr if there is none.
  const Run* living(const RunKey& before) const;

  // A new run in kStarting. REQUIRES judge(key) == kSpawn. References and pointers to a Run stay
  // valid until it is forgotten.
  Run& begin(RunKey key, std::int64_t started_ms);
  // Sets the main process by which the run is found from now on; pid 0: there is none after all,
  // and another try may follow.
  void set_process(Run& run, int pid, std::uint64_t start);
  // As set_process, for one that is not our child: no wait will ever name it, and once it has ended
  // its number may be given to a child of ours.
  void adopted(Run& run, int pid, std::uint64_t start);
  void started(Run& run) { run.phase = RunPhase::kLiving; }
  // The spawn failed: forgets the run.
  void abandon(const Run& run);
  // The main process was reaped: gives the record its number. kDraining if facts.left > 0.
  void exited(Run& run, ExitFacts facts);
  // Nothing of the tree lives any more. Forgets the run if it is acknowledged.
  void emptied(Run& run);
  // Acknowledges an exit record; unknown numbers are ignored. Forgets the run unless it drains.
  void acknowledge(std::int64_t seq);

  // What another process of this program needs to go on from here: a line each. REQUIRES that no
  // run is starting.
  std::vector<Line> save() const;
  // Takes one of these lines into an empty table. Errors: bad-line for one that save() never
  // writes.
  Status load(const Line& line);

  Run* find(const RunKey& key);
  // The run whose main process has this pid and has not been reaped.
  Run* by_pid(int pid);
  bool is_main(int pid) const { return by_pid_.contains(pid); }
  const std::map<RunKey, Run>& runs() const { return runs_; }
  const std::set<RunKey>& draining() const { return draining_; }
  // True if nothing lives and nothing waits to be acknowledged.
  bool idle() const { return runs_.empty(); }
  // True if no process of any run lives.
  bool all_ended() const { return living_ == 0 && draining_.empty(); }

 private:
  void forget(const RunKey& key);
  void drop_pid(const Run& run);

  std::map<RunKey, Run> runs_;
  std::unordered_map<int, Run*> by_pid_;
  std::map<std::int64_t, Run*> by_seq_;
  std::set<RunKey> draining_;
  std::size_t living_ = 0;
  std::int64_t next_seq_ = 1;
};

// The lines that speak of a run; `id` makes the answer to a request.
Line spawn_answer(const std::string& id, const Run& run);
Line run_line(const Run& run);
Line exited_line(const Run& run);
Line empty_line(const Run& run);
// What the supervisor has inherited and belongs to no run, "PID:COMM" each; at most kMaxSurvivors
// of them are named.
Line orphans_line(const std::vector<std::string>& orphans);

}  // namespace dm::supervisor
