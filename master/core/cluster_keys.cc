// Keys: which generations still open something, and who was turned away.
#include "common/names.h"
#include "master/core/cluster.h"

namespace dm::master {

std::int64_t Cluster::least_generation(const std::string& name) const {
  const auto found = state_.generations.find(name);
  return found == state_.generations.end() ? 1 : found->second;
}

// Every key of that name made so far is worthless from now on; the name itself stays.
void Cluster::do_revoke(Request& request, const Command&, Now) {
  const std::string& name = request.invocation.operands.front();
  if (!is_worker_name(name))
    return refuse(request, fail(Code::kBadArg, "no such name is possible"));
  const std::int64_t generation = least_generation(name) + 1;
  record(Line("REVOKE").add("name", name).add("generation", generation));
  const auto view = workers_.find(name);
  if (view != workers_.end() && view->second.session != 0)
    out_.push_back(CloseSession{view->second.session, "its key was revoked"});
  out(request.id, name + ": keys below generation " + std::to_string(generation) +
                      " are revoked; make a new one with 'dm keygen --worker " + name +
                      " --generation " + std::to_string(generation) + "'\n");
}

void Cluster::handle(const Refused& refused, Now now) {
  ++refusals_;
  // One line a second is enough to know, and too few to fill a disk.
  if (now.mono_ms - last_refusal_mono_ms_ < 1000) return;
  last_refusal_mono_ms_ = now.mono_ms;
  say("refused " + refused.name + " from " + refused.address + ": no valid key (" +
          std::to_string(refusals_) + " so far)",
      now);
}

}  // namespace dm::master
