// Keys: which generations still open something, and who was turned away.
#include "common/escape.h"
#include "common/names.h"
#include "master/core/cluster.h"

namespace dm::master {
namespace {
constexpr std::int64_t kTurnedAwayLineMs = 1000;
constexpr std::int64_t kTurnedAwayEventMs = 60'000;
}  // namespace

std::int64_t Cluster::least_generation(const std::string& name) const {
  const auto found = state_.generations.find(name);
  return found == state_.generations.end() ? 1 : found->second;
}

// Every key of that name made so far is worthless from now on; the name itself stays. What is still
// on its way from a session that one of them opened counts no more.
void Cluster::do_revoke(Request& request, const Command&, Now now) {
  const std::string& name = request.invocation.operands.front();
  if (!is_worker_name(name))
    return refuse(request, fail(Code::kBadArg, "no such name is possible"));
  const std::int64_t generation = least_generation(name) + 1;
  record(Line("REVOKE").add("name", name).add("generation", generation));
  const auto view = workers_.find(name);
  if (view != workers_.end() && view->second.session != 0) {
    const SessionClosed closed{view->second.session, "its key was revoked"};
    out_.push_back(CloseSession{closed.session, closed.why});
    handle(closed, now);
  }
  out_.push_back(KeysChanged{});
  out(request.id, name + ": keys below generation " + std::to_string(generation) +
                      " are revoked; make a new one with 'dm keygen --worker " + name +
                      " --generation " + std::to_string(generation) + "'\n");
}

// One line a second is enough to know, and too few to fill a disk; one event a minute does not push
// what operators did out of the trail.
void Cluster::handle(const TurnedAway& peer, Now now) {
  ++turned_away_;
  if (now.mono_ms < next_turned_away_line_) return;
  next_turned_away_line_ = now.mono_ms + kTurnedAwayLineMs;
  const std::string text = "turned away " + (peer.name.empty() ? "" : excerpt(peer.name) + " ") +
                           "from " + peer.address + ": " + peer.why + " (" +
                           std::to_string(turned_away_) + " so far)";
  if (now.mono_ms < next_turned_away_event_) return out_.push_back(Say{text});
  next_turned_away_event_ = now.mono_ms + kTurnedAwayEventMs;
  say(text, now);
}

}  // namespace dm::master
