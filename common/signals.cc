#include "common/signals.h"

#include <iterator>

namespace dm {
namespace {

// In the order of x86's and ARM's numbers, which are the same.
constexpr const char* kNames[] = {
    nullptr,     "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
    "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
    "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
    "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS"};

}  // namespace

std::string signal_name(int signal) {
  if (signal > 0 && signal < static_cast<int>(std::size(kNames))) return kNames[signal];
  return "signal " + std::to_string(signal);
}

WaitStatus decode_wait_status(int raw) {
  WaitStatus status;
  status.signal = raw & 0x7f;
  status.core = (raw & 0x80) != 0;
  if (status.signal == 0) status.exit_code = (raw >> 8) & 0xff;
  return status;
}

}  // namespace dm
