// common/io/state_directory.h - where a program keeps its state if nobody says otherwise. Reads
// the environment, makes nothing.
#pragma once

#include <string>

namespace dm {

// /var/lib/PROGRAM as root, else $XDG_STATE_HOME/PROGRAM, else ~/.local/state/PROGRAM (XDG Base
// Directory Specification 0.8).
std::string default_state_directory(const std::string& program);

}  // namespace dm
