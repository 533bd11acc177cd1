#include "master/decide/identity.h"

#include "common/names.h"

namespace dm::master {
namespace {

constexpr std::size_t kShownId = 12;

std::string shown(const std::string& id) {
  return "the id " + id.substr(0, kShownId);
}

std::string way_out(const std::string& name) {
  return "; if " + name +
         " is another machine with a copy of that root, start it with "
         "'dm-worker --new-identity'";
}

// The worker of that name has this id, or none that counts.
std::optional<Error> taken(const State& state, const std::string& name, const std::string& id) {
  const auto known = state.workers.find(name);
  if (known == state.workers.end() || known->second.id == id) return std::nullopt;
  return fail(Code::kExists, "the name " + name + " belongs to another worker; 'workers forget " +
                                 name + "' frees it");
}

bool is_here(const WorkerView& view, Now now, std::int64_t heartbeat_ms) {
  return view.session != 0 && view.presence == Presence::kUp &&
         now.mono_ms - view.last_beat_mono_ms < lost_after_ms(heartbeat_ms);
}

// Another machine, or the same one under another name, while the worker itself is here.
std::optional<Error> held_by_living(const Facts& facts, const std::string& owner,
                                    const WorkerClaim& claim, Now now, std::int64_t heartbeat_ms) {
  const WorkerView* view = facts.roster.find(owner);
  if (view == nullptr || !is_here(*view, now, heartbeat_ms)) return std::nullopt;
  const bool tells = !claim.boot.empty() && !view->boot.empty();
  const bool same = tells ? claim.boot == view->boot : claim.name == owner;
  if (same) return std::nullopt;
  return fail(Code::kExists, shown(claim.id) + " is that of worker " + owner +
                                 ", which is here from " + view->address + " (boot " + view->boot +
                                 "); this machine has boot " + claim.boot + way_out(claim.name));
}

}  // namespace

Introduction introduce(const Facts& facts, const WorkerClaim& claim, Now now,
                       std::int64_t heartbeat_ms) {
  Introduction met;
  if (!is_worker_name(claim.name)) {
    met.error = fail(Code::kBadArg, "a worker's name is a-z 0-9 . _ -, at most 63, not 'all'");
    return met;
  }
  const std::string owner = facts.state.worker_with(claim.id);
  met.error = taken(facts.state, claim.name, claim.id);
  met.enrolls = claim.has_key && !claim.id.empty();
  if (met.error || owner.empty()) return met;
  const KnownWorker& known = facts.state.workers.at(owner);
  const bool enrolled = claim.has_key && !known.identity.empty();
  met.enrolls = met.enrolls && !enrolled;
  if (enrolled && !claim.is_identified)
    met.error = fail(Code::kDenied, shown(claim.id) + " is that of worker " + owner +
                                        ", and its secret (ROOT/identity) was not proved" +
                                        way_out(claim.name));
  else
    met.error = held_by_living(facts, owner, claim, now, heartbeat_ms);
  if (met.error || owner == claim.name) return met;
  met.former = owner;
  if (claim.has_key && !enrolled)
    met.error = fail(Code::kExists, shown(claim.id) + " is that of worker " + owner +
                                        ", which has never proved it by a secret; an admin says "
                                        "'workers rename " +
                                        owner + " " + claim.name + "'" + way_out(claim.name));
  return met;
}

std::optional<Error> refuses_name(const Facts& facts, const std::string& from,
                                  const std::string& to) {
  if (!facts.state.knows_worker(from)) return fail(Code::kNotFound, "no worker named " + from);
  if (!is_worker_name(to))
    return fail(Code::kBadArg, "a worker's name is a-z 0-9 . _ -, at most 63, not 'all'");
  if (facts.state.knows_worker(to))
    return fail(Code::kExists,
                "there is a worker " + to + " already; 'workers forget " + to + "' frees the name");
  const WorkerView* view = facts.roster.find(from);
  if (view != nullptr && view->session != 0)
    return fail(Code::kBusy, "worker " + from +
                                 " is connected under that name; start it with "
                                 "'dm-worker --name " +
                                 to + "' instead");
  return std::nullopt;
}

}  // namespace dm::master
