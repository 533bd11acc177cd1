// worker/io/supervisor_start.h - a connection to the supervisor of a root directory, which is
// started where none runs. Blocks; for the start of the program and for helper threads.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "common/io/fd.h"
#include "common/result.h"

namespace dm::worker {

struct SupervisorStart {
  std::string root;                    // absolute
  std::vector<std::string> app_users;  // empty: apps run as whoever the supervisor is
  uid_t agent_uid = 0;
  int tether_fd = -1;   // -1: none; borrowed
  rlimit open_files{};  // what the worker was started with: apps get it
  bool use_cgroups = true;
  bool may_start = true;  // false: we are not any more who could start the right one
};

std::string supervisor_socket(const std::string& root);

// A connected, non-blocking socket. The supervisor that is started leaves our session and outlives
// us; it is this very program with --supervise. What listens there as another user than it must be
// is none: its socket file is removed. Errors: not-found if none runs and `may_start` is false;
// internal, with its own words, if it cannot begin; timeout if it has not begun within 5 s; denied
// if another user keeps coming in between.
Result<Fd> connect_supervisor(const SupervisorStart& how);

}  // namespace dm::worker
