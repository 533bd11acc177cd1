// worker/supervisor/upgrade.h - the supervisor becomes another version of itself by execve(2), so
// that its children stay its children. Decides which file may be executed, and nothing else.
#pragma once

#include <string>
#include <vector>

#include "common/codec.h"
#include "common/io/fd.h"
#include "common/result.h"

namespace dm::supervisor {

// The file that this process was started from, whatever stands there now; empty if it has none.
std::string own_program();

// Opens the program at an absolute path for execution. What is executed is what was checked: the
// file, and every directory above it, belongs to root or to our own user and may be written by no
// other (sticky directories aside, where nobody can replace what is not his), no link is followed,
// and it is another file than the one that runs. Errors: denied, exists or internal, in words.
Result<Fd> open_upgrade(const std::string& path);

// What another process of this program is given to go on from.
struct HandOver {
  Line head;                // HAND-OVER format=1: descriptors and figures
  std::vector<Line> lines;  // what the run table and the rest have saved
};

// Executes the opened program with these arguments and "--state-fd N", where it finds the
// hand-over; `kept` survive, under their numbers. Before that the program is started once beside
// us, with
// "--rehearse", to see whether it understands what it will be given. Returns only if it fails: then
// everything is as it was.
Error become(const Fd& program, std::vector<std::string> arguments, const HandOver& state,
             const std::vector<int>& kept);

// The other side. Errors: bad-line if it is none, or of another format.
Result<HandOver> read_hand_over(int state_fd);

}  // namespace dm::supervisor
