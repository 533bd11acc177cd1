// worker/io/prober.h - a PROBE of the master: can this machine run a version. Reads files, so it
// is for a helper thread; runs nothing.
#pragma once

#include <string>
#include <vector>

#include "common/codec.h"

namespace dm {

// `needs` is the PROBE line: arch=, interp= where there is one, and a need= per library, with the
// symbol version after a space if it is one: need=libc.so.6%20GLIBC_2.34.
// Result: why the version cannot run here, a sentence each; empty if it can.
std::vector<std::string> run_probe(const Line& needs);

}  // namespace dm
