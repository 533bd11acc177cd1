// worker/io/options.h - the command line of dm-worker. Reads it, and does nothing of it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/io/net.h"
#include "common/result.h"

namespace dm::worker {

struct Options {
  enum class Mode { kAgent, kStopApps, kCheck, kRepair, kNewIdentity, kSupervise, kHelp, kVersion };
  Mode mode = Mode::kAgent;
  Endpoint master;
  std::string name;                 // --name, or the short host name
  std::string root;                 // absolute; of --check and --repair too
  std::string key_file;             // empty: --insecure
  std::vector<std::string> labels;  // "k=v"
  std::string user = "dm";
  std::vector<std::string> app_users;  // empty: dm-app, if there is such a user
  bool join = false;                   // take a new cluster's word
  bool user_given = false;             // --user or --app-user: it is an error then if there is none

  // Between the program's own processes; not for people.
  int tether_fd = -1;   // at its end of file everything is stopped
  int ready_fd = -1;    // --supervise
  uid_t agent_uid = 0;  // --supervise
  bool use_cgroups = true;
  int state_fd = -1;      // --supervise
  bool rehearse = false;  // --supervise

  std::optional<std::int64_t> logs_total;  // --logs-total, bytes
  int disk_floor_percent = 5;              // --disk-floor
};

// Errors: bad-arg, one sentence.
Result<Options> parse_options(int argc, char** argv);

// What --help prints.
std::string help_text();

}  // namespace dm::worker
