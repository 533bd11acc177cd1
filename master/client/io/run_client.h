// master/client/io/run_client.h - picks the way dm talks to its user: the shell on a terminal, a
// script elsewhere, one command if there is one.
#pragma once

#include <string>
#include <vector>

#include "master/client/io/client.h"

namespace dm {

// Returns the exit status.
int run_client(const ClientOptions& options, const std::vector<std::string>& words);

}  // namespace dm
