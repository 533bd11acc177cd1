// worker/supervisor/supervisor.h - the small process that is the parent of every app: it spawns,
// signals, reaps, and keeps exit records until an agent has acknowledged them. It outlives agents,
// makes no policy, and opens no path on an agent's word. PROTOCOL.md describes its socket.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace dm::supervisor {

struct SupervisorOptions {
  std::string root;  // the worker's directory: the lock and the socket stand there
  std::vector<std::string> app_users;  // as root: whom apps may run as, the first by default
  int tether_fd = -1;                  // a pipe's read end: at its end everything is killed
  int ready_fd = -1;                   // gets "ready\n", or "error: WORDS\n", and is closed
  uid_t agent_uid = 0;                 // who may connect, beside root and our own user
  bool use_cgroups = true;             // false: trees are found through /proc even so
  int state_fd = -1;                   // what our former self has handed over (upgrade.h)
};

// Can this program go on from such a state? Touches nothing else. 0, or 111.
int rehearse_supervisor(int state_fd);

// Makes the calling process the supervisor of a root directory and serves until nothing is left to
// do. Takes over the whole process: session, standard streams, signals, every open descriptor but
// the two that are named. Returns the exit status: 0, or 111 if it cannot begin (another one holds
// ROOT/supervisor.lock, the socket cannot be made, an app user is not known or is root).
int run_supervisor(const SupervisorOptions& options);

}  // namespace dm::supervisor
