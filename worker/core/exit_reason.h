// worker/core/exit_reason.h - why a run ended, in words that a person understands, with the
// evidence. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/signals.h"

namespace dm::worker {

// What dm itself did to the run before it ended.
enum class OurPart {
  kNothing,
  kStopped,    // SIGINT on an operator's word
  kTimedOut,   // the same, then SIGKILL because it did not end
  kKilled,     // SIGKILL on an operator's word
  kLeaseOver,  // SIGKILL because the master was silent for the time of its lease
};

struct EndFacts {
  WaitStatus status;  // neither exit code nor signal: nobody knows
  OurPart our_part = OurPart::kNothing;
  std::string because;        // why we did it; empty: an operator asked for it
  std::int64_t grace_ms = 0;  // how long SIGINT was given (kTimedOut), or the lease (kLeaseOver)
  bool oom_kill = false;      // the kernel's oom_kill counter rose
  std::int64_t max_rss_bytes = 0;
  std::vector<std::string> survivors;  // "PID:COMM" of the tree's processes that outlived it
  std::int64_t left = 0;               // how many they were; only some are named
  bool survivors_killed = false;       // by our SIGKILL, after grace_ms
};

// One sentence, as SPEC has it: "exit code 3", "killed by SIGSEGV (core dumped)", "stopped by
// operator: SIGINT, exit code 0", "killed by SIGKILL, not by dm: out of memory (...)".
std::string explain_end(const EndFacts& facts);

// "sleep (12), sh (13) and 3 more", from "PID:COMM" of some of `count` processes.
std::string name_survivors(const std::vector<std::string>& survivors, std::int64_t count);

// "10 s", "500 ms".
std::string print_grace(std::int64_t ms);

}  // namespace dm::worker
