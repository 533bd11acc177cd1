// worker/core/effects.h - what the agent's core hears of and what it asks for. Pure data.
//
// The I/O performs the effects of one event in their order. An Append is durable before any
// effect behind it is performed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/codec.h"
#include "common/result.h"

namespace dm::worker {

// What a cgroup's processes had used before the run's main process began: it counts all runs.
struct UsedBefore {
  std::int64_t user_us = 0, system_us = 0;
};

// What /proc says of one instance's tree. Figures that nobody may read are absent.
struct InstanceSample {
  std::string instance;
  std::int64_t pid = 0;     // of the main process, whose run it is
  char kernel_state = '?';  // field 3 of proc(5)'s stat: R S D T t Z ...; '?' if it cannot be read
  std::optional<std::int64_t> cpu_user_ms, cpu_system_ms, rss_bytes;
  std::optional<UsedBefore> before;  // for the next sample of this run
};

// What /proc and statvfs say of the machine, and getrusage of the supervisor's children.
struct HostSample {
  std::int64_t children_user_ms = 0, children_system_ms = 0, children_max_rss_bytes = 0;
  std::int64_t children_reaped = 0;
  double cpu_percent = 0;
  double load1 = 0;
  std::int64_t mem_used_bytes = 0;
  std::int64_t mem_total_bytes = 0;
  std::int64_t disk_free_bytes = 0;
  std::int64_t disk_total_bytes = 0;  // 0: not known
};

// What the machine is; measured once.
struct HostFacts {
  std::string name;  // the worker's
  std::string id;    // 128 random bits of its root directory, in hex
  std::string root;  // absolute path
  std::string os, arch, glibc, version, boot_id;
  std::string build;  // of our program's file; another one's supervisor is asked to become this
  std::int64_t cpus = 0, mem_bytes = 0, started_mono_ms = 0;
  std::vector<std::string> labels;     // "k=v"
  bool join = false;                   // take a new cluster's word from now on
  std::string path;                    // PATH for the apps
  std::vector<std::string> app_users;  // whom apps run as; empty: as the supervisor
  int disk_floor_percent = 5;          // with less of the disk free, no new work
  std::string cannot_run;  // why no app can be executed here, a sentence; empty: they can
};

// INFO's identity= as the core writes it; the session puts the sealed secret in its place.
inline constexpr std::string_view kSealed = "sealed";

// --- Effects ---
struct Connect {};  // dial the master; answered by MasterUp or MasterDown
struct Disconnect {
  std::string why;
  bool after_sending = false;  // what was said before it, of that nothing is thrown away
};                             // end the session; MasterDown follows
struct ToMaster {
  Line line;
  bool with_tail = false;  // it says EXITED: the last bytes of that run's log go with it
};
struct ToSupervisor {
  Line line;
};
struct Spawn {  // open the log, make the work directory, send the line
  std::string instance;
  std::int64_t run = 0;
  Line line;
};
struct Append {  // durable before what follows; lazy: only written
  Line record;
  bool lazy = false;
};
struct Install {
  std::string id, app, manifest;
};  // answered by Installed
struct RemoveApp {
  std::string id, app;
  std::vector<std::string> instances;
};  // by Removed
struct RemoveInstances {
  std::string id;
  std::vector<std::string> instances;
};  // by InstancesRemoved
struct Probe {
  std::string id;
  Line needs;
};                  // answered by Probed
struct StreamLog {  // dial a bulk connection and send the file
  std::string id;   // of the request that it answers
  std::string instance;
  std::int64_t run = 0, lines = -1, offset = 0;
  std::int64_t since_ms = 0;    // wall clock; 0: from the beginning
  std::int64_t tail_bytes = 0;  // only so many, the last ones; 0: all
  bool follow = false;
  bool stamp = false;  // the time before each line
};
struct EndStreams {
  std::string instance;
  std::int64_t run = 0;
};  // followers: no more will come
struct CancelStream {
  std::string id;
};
struct TakeSample {
  std::vector<std::string> instances;
  bool scans = false;  // look for the trees of those without a cgroup among all processes
};                     // answered by Sampled
struct Say {
  std::string text;
};                 // one line on standard error
struct Welcomed {  // the session stands: at each WELCOME
  std::string cluster;
  std::int64_t heartbeat_ms = 0;
};

using Effect = std::variant<Connect, Disconnect, ToMaster, ToSupervisor, Spawn, Append, Install,
                            RemoveApp, RemoveInstances, Probe, StreamLog, EndStreams, CancelStream,
                            TakeSample, Say, Welcomed>;
using Effects = std::vector<Effect>;

// --- Events ---
struct MasterUp {};  // the TCP connection stands
struct MasterDown {
  std::string why;
};
struct MasterLine {
  Line line;
};
struct SupervisorUp {};  // connected; its greeting follows as lines
struct SupervisorDown {};
struct SupervisorLine {
  Line line;
};
struct SpawnFailed {
  std::string instance;
  std::int64_t run = 0;
  Error error;
};  // before the supervisor
struct InstallProgress {
  std::string id;
  std::int64_t done = 0, total = 0;
};
struct InstallDone {
  std::string id, app, manifest, executable;
  std::int64_t files_sent = 0, files_there = 0, bytes = 0, elapsed_ms = 0;
};
struct Installed {
  InstallDone done;
  std::optional<Error> error;
};
struct Removed {
  std::string id, app;
  std::optional<Error> error;
};
struct InstancesRemoved {
  std::string id;
  std::optional<Error> error;
};
struct Probed {
  std::string id;
  std::vector<std::string> missing;
};
struct Sampled {
  std::int64_t took_ms = 0;
  HostSample host;
  std::vector<InstanceSample> instances;
};
struct StreamEnded {
  std::string id;
  std::optional<Error> error;
};
struct Leave {
  bool stays = false;  // the machine stays up, and we shall be back
};                     // the agent is about to end; the apps go on
struct Tick {};        // a deadline of next_deadline() has come

using Event = std::variant<MasterUp, MasterDown, MasterLine, SupervisorUp, SupervisorDown,
                           SupervisorLine, SpawnFailed, InstallProgress, Installed, Removed,
                           InstancesRemoved, Probed, Sampled, StreamEnded, Leave, Tick>;

}  // namespace dm::worker
