// master/core/cluster_options.h - what the core is told at its start. Pure data.
#pragma once

#include <cstdint>
#include <string>

namespace dm::master {

struct ClusterOptions {
  std::int64_t heartbeat_ms = 1000;
  std::int64_t move_after_ms = 10'000;
  std::int64_t move_left_ms = 600'000;  // of a worker that left and stays; INT64_MAX: never
  std::string cluster_id;               // 128 random bits in hex
  std::string epoch;                    // differs at each start; part of every order's id
  bool insecure = false;                // no keys: everybody who reaches us is trusted
  std::int64_t history_max_bytes = 64 * 1024 * 1024;  // how much of the audit trail is kept
  std::int64_t keep_ended = 100;  // instances of each app that stay after their end
};

}  // namespace dm::master
