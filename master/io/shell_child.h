// master/io/shell_child.h - the shell of a dm-master: a process of its own that takes the
// terminal's foreground and speaks the control protocol like any dm, so that nothing typed there
// can stop or freeze the daemon.
#pragma once

#include <sys/types.h>

#include <optional>

#include "common/io/net.h"

namespace dm::master {

// Starts the shell (a terminal) or the script (anything else) on standard input. Call before any
// thread exists. Errors: fork's.
Result<pid_t> start_shell(const Endpoint& control);

// The exit status of the child if it has ended; 128 + N for signal N.
std::optional<int> shell_status(pid_t child);

// Takes the terminal's foreground back, if standard input is one.
void retake_terminal();

}  // namespace dm::master
