// common/io/host_libraries.h - which of a version's needs are on this machine: looks for
// libraries where ld.so would, by their names, and reads them. Never runs or loads anything.
// It blocks for as long as the disk takes: call it in a helper thread.
#pragma once

#include <string>
#include <vector>

#include "common/probe.h"

namespace dm {

// The directories of the library path, in order: those of `config` with its includes, then the
// system's own for the program's architecture. At most 256; a config that is missing adds none.
std::vector<std::string> library_directories(const std::string& arch,
                                             const std::string& config = "/etc/ld.so.conf");

// Looks for what `needs` names: its interpreter (there, and executable by somebody), and each
// library in `directories`, the first one of the right architecture. The host's architecture is
// uname's. Finds nothing rather than failing.
HostLibraries find_host_libraries(const ManifestNeeds& needs,
                                  const std::vector<std::string>& directories);

}  // namespace dm
