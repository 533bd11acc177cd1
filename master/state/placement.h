// master/state/placement.h - one instance as it is recorded: where it is placed, how it is to run,
// how its last run ended. Pure data, with the tables of its fields.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/fields.h"

namespace dm::master {

// The end of one run. What is unknown is absent.
struct RunEnd {
  std::int64_t run = 0;
  std::optional<std::int64_t> pid, started_ms, ended_ms, exit_code;
  std::optional<std::string> signal;
  bool core = false;
  std::string reason;
  std::int64_t crashes = 0;  // deaths in a row, this one included, each soon after its start
  bool last = false;  // no policy begins a run after it: its worker has said so, or has lost it
  std::optional<std::int64_t> cpu_user_ms, cpu_system_ms, max_rss_bytes;
  bool operator==(const RunEnd&) const = default;
};

enum class Desired { kRunning, kStopped, kKilled };
enum class Restart { kNo, kOnFailure, kAlways };
enum class OnLost { kStay, kMove };  // kMove: launched elsewhere when its worker is lost
std::string_view word(Desired desired);
std::string_view word(Restart restart);
std::string_view word(OnLost on_lost);
// A word that is none of these is the first one: running, no, stay.
Restart restart_from(std::string_view word);
OnLost on_lost_from(std::string_view word);

struct Placement {
  std::string app, version, worker;
  std::vector<std::string> args, env;
  Restart restart = Restart::kNo;
  bool pinned = false;  // placed by --on
  OnLost on_lost = OnLost::kStay;
  std::string who;                 // launched it; empty: the system itself
  std::string asked_by;            // asked for its last run, likewise
  std::string replaces;            // the instance that this one took the place of; empty: none
  std::string superseded_by;       // and the other way round
  std::int64_t moves = 0;          // in a row, each since a worker was lost soon
  std::string quarantined;         // why it is moved no more; empty: it is
  std::int64_t lease_ms = 0;       // at most one of its app lives, and not without a lease; 0: none
  std::vector<std::string> tried;  // workers on which it kept crashing
  Desired desired = Desired::kRunning;
  // Why the launch of its last run was given up although its worker may have begun it; empty: it
  // was not.
  std::string given_up;
  std::int64_t log_max_bytes = 0;  // 0: the usual
  std::int64_t run = 1;            // the last one that was asked for, or whose end was heard of
  std::int64_t begun = 0;          // the last one of which its worker has said that it began
  std::int64_t begun_ms = 0;       // when its first run there did; 0: not known
  std::int64_t created_ms = 0;
  std::optional<RunEnd> last_end;
  std::int64_t last_run() const { return run > begun ? run : begun; }
  bool has_ended() const { return last_end && last_end->run >= last_run(); }  // its last run
  bool operator==(const Placement&) const = default;
};

// The fields of INSTANCE but `instance` and `asked_by` (absent: as `who`); of ENDED and EXITED but
// `instance`.
std::span<const Field<Placement>> placement_fields();
std::span<const Field<RunEnd>> run_end_fields();

// RunEnd from a worker's EXITED line or a record; what a worker may make long is cut.
RunEnd parse_end(const Line& line);
void parse_desired(Placement& placement, std::string_view word);
// Does its policy begin another run after the last end that is known here, if nobody has heard of a
// stop? And: is that wanted as well?
bool is_restarted(const Placement& placement);
bool is_revived(const Placement& placement);
// How many deaths in a row this end makes, each soon after its start; 0 if it lived long enough.
std::int64_t crashes_with(const Placement& placement, const RunEnd& end);

}  // namespace dm::master
