// worker/io/host_facts.h - what machine this is, measured once at the start.
#pragma once

#include <string>
#include <vector>

#include "worker/core/effects.h"

namespace dm::worker {

// All but the name, the id, the root and the labels, which are not the machine's.
HostFacts measure_host();

// The host's name up to its first dot, in lower case; empty if it has none.
std::string short_host_name();

// Why no file below that directory can be executed, in a sentence; empty if nothing speaks against
// it.
std::string why_nothing_runs(const std::string& root);

}  // namespace dm::worker
