// common/io/state_directory.h - where a program keeps its state if nobody says otherwise. Reads
// the environment, makes nothing.
#pragma once

#include <string>

namespace dm {

// A daemon's: /var/lib/PROGRAM as root, else personal_state_directory().
std::string default_state_directory(const std::string& program);

// A person's, root or not: $XDG_STATE_HOME/PROGRAM, else ~/.local/state/PROGRAM (XDG Base
// Directory Specification 0.8).
std::string personal_state_directory(const std::string& program);

}  // namespace dm
