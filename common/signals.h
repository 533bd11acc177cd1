// common/signals.h - names of signals and the parts of a wait status. Pure: never sends a signal.
#pragma once

#include <optional>
#include <string>

namespace dm {

// Those that pure code speaks of (signal(7), the numbers of x86 and ARM).
inline constexpr int kSigint = 2;
inline constexpr int kSigkill = 9;
inline constexpr int kSigterm = 15;
inline constexpr int kSigcont = 18;
inline constexpr int kMaxSignal = 64;

// "SIGKILL" for 9; "signal 61" for a number without a name. Linux's numbers (signal(7)).
std::string signal_name(int signal);

// A status of wait4(2), taken apart as Linux lays it out (wait(2)).
struct WaitStatus {
  std::optional<int> exit_code;  // absent if a signal ended the process
  int signal = 0;                // 0 if it exited
  bool core = false;
};
WaitStatus decode_wait_status(int raw);

}  // namespace dm
