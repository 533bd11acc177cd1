// master/observed/worker_view.h - how one worker is right now: who is here, who is late, how loaded
// it is. Pure data.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/codec.h"
#include "master/limits/rate_limit.h"
#include "master/observed/ids.h"
#include "master/observed/unrecorded_notices.h"

namespace dm::master {

enum class Presence {
  kSuspect,  // its connection closed, or it has not beaten yet
  kUp,
  kLost,  // two beats missed
  kLeft,  // it said BYE
};
std::string_view word(Presence presence);

// An instance that a worker runs and this master does not know.
struct Foreign {
  std::string state;  // by its worker
  std::optional<std::int64_t> pid;
  std::int64_t run = 0;
};

struct WorkerView {
  std::string name;
  std::string address;
  std::string pending_id;        // of HELLO; recorded with the first beat
  std::string pending_identity;  // likewise, the secret of INFO
  std::string identity_pad;      // it was asked for its secret, which comes hidden under this
  SessionId session = 0;         // 0: not connected
  Presence presence = Presence::kSuspect;
  bool beaten = false;  // in this session
  bool synced = false;  // it has told all it knows, and takes orders
  bool heard = false;   // it has done so at least once since the master's start
  bool cordoned = false;
  bool stays = false;       // it left in good order, its machine stays up, and its apps go on
  bool disk_low = false;    // by its own word: below its --disk-floor
  bool tells_disk = false;  // its word counts, whatever is free
  std::int64_t last_beat_mono_ms = 0;
  std::int64_t next_beat_mono_ms = 0;  // when we send ours
  std::int64_t beats_sent = 0;
  std::int64_t beats_heard = 0;         // the seq of its last beat in this session; 0: none
  std::int64_t away_since_mono_ms = 0;  // lost or left: since when

  std::string os, arch, glibc, version, boot;
  std::string cannot_run;  // why it can execute nothing, by its own word; empty: it can
  std::int64_t cpus = 0;
  std::vector<std::string> labels;  // "k=v"
  std::optional<double> cpu_percent, load1;
  std::optional<std::int64_t> mem_used_bytes, mem_total_bytes, disk_free_bytes;
  std::int64_t children_user_ms = 0, children_system_ms = 0, children_max_rss_bytes = 0;
  std::optional<std::int64_t> children_reaped;
  std::int64_t instances = 0;              // alive, by its last beat
  std::int64_t recorded = 0;               // that are to run there, by our own records at that time
  std::int64_t placed_since_beat = 0;      // launched there, not in `instances` yet
  std::map<std::string, Foreign> foreign;  // instances of which no record of ours speaks
  UnrecordedNotices foreign_notices;       // what was said of these
  std::set<std::string> reported;          // instances named before SYNCED
  RateLimit notices{200, 60'000};          // events of its coming, going and telling
  RateLimit acks{100, 10'000};         // of ends that are not ours, at once; then at the next beat
  std::int64_t owed_ack = 0;           // up to there; 0: nothing is owed
  RateLimit numbers{1000, 3'600'000};  // what may be recorded of `foreign`
  bool numbers_left_out = false;       // and that it was not enough has been said

  double mem_percent() const;
  // 2*cpu*ram/(cpu+ram) in percent; 0 if both are 0.
  double load() const;
};

// What its INFO and HEARTBEAT lines say.
void parse_info(const Line& line, WorkerView& worker);
void parse_beat(const Line& line, WorkerView& worker);

// How long after its last beat a worker is lost: two beats have been missed, and half an interval
// is left to the third.
std::int64_t lost_after_ms(std::int64_t heartbeat_ms);

// Above 95 % of processor or memory: it gets only what must go somewhere.
bool is_full(const WorkerView& worker);

// The order in which workers are chosen: the least loaded first, each instance placed since its
// last beat counted as one busy processor; ties go to fewer instances, then by name. Full ones come
// last. What a worker claims is bounded by what is plausible: no more than kMostCpus processors,
// and no less load than a sixteenth of a processor for each instance that our own records place
// there.
inline constexpr std::int64_t kMostCpus = 1024;
struct PlacementRank {
  bool full = false;
  double load = 0;
  std::int64_t instances = 0;
  std::string name;
  auto operator<=>(const PlacementRank&) const = default;
};
PlacementRank rank_of(const WorkerView& worker);

// The harmonic mean by which workers are compared; 0 if both are 0.
double combined_load(double cpu_percent, double mem_percent);

}  // namespace dm::master
