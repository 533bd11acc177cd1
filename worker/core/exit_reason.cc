#include "worker/core/exit_reason.h"

#include <algorithm>

#include "common/units.h"

namespace dm::worker {
namespace {

constexpr int kSigkill = 9;
// What a process does to itself (or the kernel to it, for its own fault); any other signal was
// sent by somebody.
constexpr int kOwnFaults[] = {4, 5, 6, 7, 8, 11, 13, 14, 24, 25, 26, 27, 31};

bool is_own_fault(int signal) {
  return std::find(std::begin(kOwnFaults), std::end(kOwnFaults), signal) != std::end(kOwnFaults);
}

bool is_unknown(const WaitStatus& status) {
  return !status.exit_code && status.signal == 0;
}

std::string what_happened(const WaitStatus& status) {
  if (status.exit_code) return "exit code " + std::to_string(*status.exit_code);
  if (is_unknown(status)) return "exit status unknown";
  return "killed by " + signal_name(status.signal) + (status.core ? " (core dumped)" : "");
}

std::string by_itself(const EndFacts& facts) {
  std::string text = what_happened(facts.status);
  if (facts.status.exit_code || is_unknown(facts.status) || is_own_fault(facts.status.signal))
    return text;
  text += ", not by dm";
  if (facts.status.signal == kSigkill && facts.oom_kill)
    text += ": out of memory (kernel oom_kill count rose, max RSS " +
            print_bytes(facts.max_rss_bytes) + ")";
  return text;
}

std::string main_part(const EndFacts& facts) {
  const bool by_kill = facts.status.signal == kSigkill;
  const std::string by = facts.because.empty() ? " by operator" : ", " + facts.because;
  switch (facts.our_part) {
    case OurPart::kNothing: return by_itself(facts);
    case OurPart::kStopped: return "stopped" + by + ": SIGINT, " + what_happened(facts.status);
    case OurPart::kTimedOut:
      if (is_unknown(facts.status))
        return "ignored SIGINT for " + print_grace(facts.grace_ms) +
               ", SIGKILL sent, exit status unknown";
      // It may have ended by itself in the moment before the signal.
      if (!by_kill) return "stopped" + by + ": SIGINT, " + what_happened(facts.status);
      return "ignored SIGINT for " + print_grace(facts.grace_ms) + ", killed by SIGKILL";
    case OurPart::kKilled:
      if (is_unknown(facts.status)) return "killed" + by + ": SIGKILL, exit status unknown";
      if (!by_kill)
        return what_happened(facts.status) + ", before " +
               (facts.because.empty() ? "the operator's" : "our") + " SIGKILL";
      return "killed" + by + ": SIGKILL";
    case OurPart::kLeaseOver:
      if (!by_kill) return what_happened(facts.status);
      return "killed by SIGKILL: its lease was over, no word from the master for " +
             print_grace(facts.grace_ms);
  }
  return by_itself(facts);
}

}  // namespace

std::string print_grace(std::int64_t ms) {
  if (ms % 1000 == 0) return std::to_string(ms / 1000) + " s";
  return std::to_string(ms) + " ms";
}

std::string explain_end(const EndFacts& facts) {
  std::string text = main_part(facts);
  // Our own SIGKILL goes to the whole tree: who of it is reaped last was not left behind.
  const bool killed_whole = facts.our_part == OurPart::kKilled ||
                            facts.our_part == OurPart::kLeaseOver ||
                            (facts.our_part == OurPart::kTimedOut &&
                             (facts.status.signal == kSigkill || is_unknown(facts.status)));
  if (facts.left <= 0 || killed_whole) return text;
  text += facts.survivors_killed
              ? "; left behind and killed by SIGKILL after " + print_grace(facts.grace_ms) + ": "
              : "; left behind and ended: ";
  if (facts.survivors.empty())
    return text + std::to_string(facts.left) + (facts.left == 1 ? " process" : " processes");
  return text + name_survivors(facts.survivors, facts.left);
}

std::string name_survivors(const std::vector<std::string>& survivors, std::int64_t count) {
  std::string text;
  for (const std::string& survivor : survivors) {
    const std::size_t colon = survivor.find(':');
    text += (text.empty() ? "" : ", ") + survivor.substr(colon + 1) + " (" +
            survivor.substr(0, colon) + ")";
  }
  const auto unnamed = count - static_cast<std::int64_t>(survivors.size());
  return unnamed > 0 ? text + " and " + std::to_string(unnamed) + " more" : text;
}

}  // namespace dm::worker
