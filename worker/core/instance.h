// worker/core/instance.h - what a worker knows of one instance, and its lines: the journal's
// records and the reports to the master. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/codec.h"
#include "worker/core/backoff.h"
#include "worker/core/effects.h"
#include "worker/core/exit_reason.h"
#include "worker/core/log_budget.h"
#include "worker/core/master_link.h"
#include "worker/core/run_state.h"

namespace dm::worker {

enum class RestartPolicy { kNo, kOnFailure, kAlways };
std::string_view word(RestartPolicy policy);
std::optional<RestartPolicy> restart_policy_from(std::string_view word);

// What the master asked for; never changes during the instance's life.
struct InstanceSpec {
  std::string name;  // APP.N
  std::string app;
  std::string manifest;  // empty: all but the names is unknown, until the next LAUNCH tells
  std::vector<std::string> args, env;
  RestartPolicy restart = RestartPolicy::kNo;
  std::int64_t log_max_bytes = kDefaultLogMost;  // for the logs of all its runs
  std::int64_t lease_ms = 0;  // how long it may live without a word from the master; 0: for ever

  bool is_known() const { return !manifest.empty(); }
};

// The end of a run as it is reported and kept: an EXITED line without its seq.
using EndOfRun = Line;

// An order that is answered when something has happened.
struct PendingAnswer {
  std::string id;  // of the master's order
  enum class Kind { kLaunch, kStop, kKill } kind = Kind::kLaunch;
  bool rested = false;  // when it came, between two runs
};

// "BOOT/PID/START", a supervisor's id: its boot.
std::string_view boot_of(std::string_view supervisor);

struct Instance {
  InstanceSpec spec;
  bool wanted = true;  // false: stopped or killed by the operator; no policy starts it again
  RunState state = RunState::kDown;
  std::int64_t run = 0;  // the last one begun
  std::int64_t restarts = 0;
  std::int64_t pid = 0;
  std::int64_t pid_start = 0;     // field 22 of proc(5)'s stat
  std::int64_t started_ms = 0;    // wall clock
  std::string cgroup;             // empty: none
  std::string supervisor_id;      // the supervisor that was asked for the last run, or adopted it
  bool survivors_killed = false;  // what outlived the main process got SIGKILL in the end
  std::optional<Line> exited;     // the supervisor's EXITED while survivors are still ending
  std::optional<EndOfRun> last_end;
  std::optional<Error> exec_error;  // the last run never began
  bool spawn_sent = true;           // a supervisor may know of the last run

  OurPart our_part = OurPart::kNothing;
  std::string because;  // of the order that ends it; empty: an operator's
  std::int64_t grace_ms = 10'000;
  bool may_kill = true;            // false: stop --no-kill
  std::int64_t deadline = kNever;  // of the present state: stop, drain, retry
  std::int64_t retry_wall_ms = 0;  // for people; 0: nobody knows when
  std::int64_t lease_until = 0;    // mono_ms; with a spec.lease_ms: no run may live longer
  RestartBackoff backoff;
  std::vector<PendingAnswer> answers;

  InstanceSample usage;
  std::int64_t sampled_ms = 0;        // mono_ms of that; 0: never
  std::optional<double> cpu_percent;  // between two samples
  std::int64_t max_rss_seen = 0;      // 0: not known
  std::string last_report;            // what the master was told last
};

// The spec, in the journal (INSTANCE) and in the master's LAUNCH: the same fields.
Line print_spec(std::string_view verb, const InstanceSpec& spec);
// Only in an INSTANCE the manifest may be absent. Errors: bad-arg, naming the field.
Result<InstanceSpec> parse_spec(const Line& line);
// Of an instance that was found alive and is in no record: it is never restarted by a policy, and
// its log is never cut for a budget of its own. Errors: bad-arg for what is no instance's name.
Result<InstanceSpec> unknown_spec(std::string_view name);

// The state word: the kernel's own for the living, ours for the rest.
std::string_view state_word(const Instance& instance);

// INSTANCE, the report to the master. `full` adds what never changes (at SYNCED).
Line report(const Instance& instance, bool full);

// The end of a run from the supervisor's EXITED.
EndOfRun describe_end(const Instance& instance, const Line& exited);
// The end of a run that never began: exec failed.
EndOfRun describe_failed_start(const Instance& instance, const Error& error, Now now);
// Why the run never began, from such an end; nullopt if it began.
std::optional<Error> failed_start_of(const EndOfRun& end);
// The end of a run of which nobody knows how it ended; `rebooted`: but why.
EndOfRun describe_unknown_end(const Instance& instance, bool rebooted, Now now);

// INSTANCE, the journal's record of an instance that may have had runs.
Line instance_record(const Instance& instance);
// RUN and STARTED, the journal's records of a run: it is asked for; it is this process.
Line run_record(const Instance& instance);
Line started_record(const Instance& instance);

// A process of it may live.
bool is_alive(const Instance& instance);

// Takes what was measured. True if that is another figure than before.
bool take_sample(Instance& instance, const InstanceSample& sample, Now now);

// The figures of USAGE and of a report, those that are known.
void add_usage(Line& line, const Instance& instance);

// What is known of the last run must not be taken for the next one's.
void forget_run(Instance& instance);

// Notes that `id` is to be answered, once however often it is sent.
void await(Instance& instance, std::string_view id, PendingAnswer::Kind kind);
bool has_waiting_launch(const Instance& instance);

// False while its lease is over, or not known yet.
bool may_run(const Instance& instance, Now now);

// True if the policy wants another run after this end.
bool wants_restart(const Instance& instance, const EndOfRun& end);

}  // namespace dm::worker
