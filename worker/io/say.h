// worker/io/say.h - one line for people on standard error. Never blocks on anything else.
#pragma once

#include <cstdio>
#include <string_view>

#include "common/escape.h"

namespace dm::worker {

// "dm-worker: TEXT"; what could drive a terminal is spelled out, for texts come from elsewhere too.
inline void say(std::string_view text) {
  std::fprintf(stderr, "dm-worker: %s\n", escape_for_terminal(text).c_str());
}

}  // namespace dm::worker
