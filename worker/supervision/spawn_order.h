// worker/supervision/spawn_order.h - what a SPAWN line asks for, checked. Pure: never starts
// anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/codec.h"
#include "common/result.h"

namespace dm::supervisor {

struct RunKey {
  std::string instance;  // APP.N
  std::int64_t run = 0;  // 1, 2, 3 ...
  auto operator<=>(const RunKey&) const = default;
};

struct SpawnOrder {
  RunKey key;
  std::string exe;                  // absolute
  std::string cwd;                  // absolute
  std::vector<std::string> args;    // the whole argv, at least one
  std::vector<std::string> env;     // KEY=VALUE; DM_INSTANCE and DM_RUN stand first, as the mark
  std::string user;                 // empty: the default
  std::int64_t lease_until_ms = 0;  // CLOCK_BOOTTIME; it may not live longer; 0: no lease
};

// True for APP.N: an app's name, a dot, a number. Such a name is safe as a directory's name.
bool is_instance_name(std::string_view text);

// The instance= and run= of any line that names a run. Errors: bad-arg.
Result<RunKey> parse_run_key(const Line& line);

// Errors: bad-arg, with the field that is missing or wrong. Of two env= with the same key the later
// counts (getenv(3) would find the first). The mark is ours to set: what the line says about
// DM_INSTANCE and DM_RUN is replaced.
Result<SpawnOrder> parse_spawn_order(const Line& line);

// The user that a run gets: `wanted`, or the first of `allowed`; an empty name means that nothing
// is switched, because we may not (`can_switch`) or no user was named at the start. Errors: denied,
// if `wanted` is not among `allowed`.
Result<std::string> choose_user(const std::string& wanted, const std::vector<std::string>& allowed,
                                bool can_switch);

}  // namespace dm::supervisor
