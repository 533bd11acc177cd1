#include "master/core/peer_notices.h"

#include <string>

#include "common/escape.h"

namespace dm::master {
namespace {

constexpr std::int64_t kLineMs = 1000;
constexpr std::int64_t kEventMs = 60'000;

}  // namespace

// One line a second is enough to know, and too few to fill a disk; one event a minute does not push
// what operators did out of the trail.
void PeerNotices::turned_away(const TurnedAway& peer, Now now) {
  ++count_;
  if (now.mono_ms < next_line_) return;
  next_line_ = now.mono_ms + kLineMs;
  const std::string text = "turned away " + (peer.name.empty() ? "" : excerpt(peer.name) + " ") +
                           "from " + peer.address + ": " + peer.why + " (" +
                           std::to_string(count_) + " so far)";
  if (now.mono_ms < next_event_) return out_.push_back(Say{text});
  next_event_ = now.mono_ms + kEventMs;
  recorder_.log(text, now);
}

}  // namespace dm::master
