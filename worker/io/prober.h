// worker/io/prober.h - a PROBE of the master: can this machine run a version. Reads files, so it
// is for a helper thread; runs nothing.
#pragma once

#include <string>
#include <vector>

#include "common/codec.h"

namespace dm::worker {

// `needs` is the PROBE line: arch=, interp= where there is one, lib= for each library, and
// symbols= for each symbol version of one: symbols=GLIBC_2.34%20libc.so.6.
// Result: why the version cannot run here, a sentence each; empty if it can.
std::vector<std::string> run_probe(const Line& needs);

}  // namespace dm::worker
