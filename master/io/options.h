// master/io/options.h - dm-master's command line. Reads the environment, opens nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/io/net.h"
#include "master/io/identity.h"

namespace dm::master {

struct Options {
  Endpoint listen;
  bool listens = false;                   // --listen was given
  std::vector<Endpoint> control;          // as given; without a path STATE/control.sock too
  std::vector<GroupRole> control_groups;  // who else may use Unix control sockets
  std::string state;                      // absolute
  std::string port_file;
  bool new_epoch = false;                 // the operator means it: this journal is the truth
  std::vector<std::string> secret_files;  // empty only with insecure
  bool insecure = false;
  bool shell = true;
  int dev_workers = 0;        // 0: no --dev
  std::string check, repair;  // a state directory: look at it instead of running
  std::int64_t heartbeat_ms = 1000;
  std::int64_t move_after_ms = 10'000;
  std::int64_t move_left_ms = 600'000;
  std::int64_t history_max_bytes = 64 * 1024 * 1024;
  std::int64_t keep_ended = 100;
  int disk_floor_percent = 5;
};

// What to do instead of running, if anything: print and exit with the status.
struct Leave {
  int status = 0;
  std::string out, error;
};

// Reads argv. Errors of usage leave with 100.
std::optional<Leave> read_options(int argc, char** argv, Options& options);

}  // namespace dm::master
