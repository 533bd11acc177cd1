#include "master/core/stops.h"

#include <algorithm>
#include <utility>

#include "common/names.h"
#include "master/decide/phase.h"
#include "master/view/instance_row.h"

namespace dm::master {

void Stops::end_instances(Request& request, OrderKind kind, Now now) {
  const auto& operands = request.invocation.operands;
  std::vector<std::string> words;
  std::vector<Order> strangers;
  for (const std::string& word : operands) {
    const auto workers = lookup_.workers_with_unrecorded(word);
    for (const std::string& worker : workers)
      strangers.push_back(EndOrders::order(request, kind, word, worker));
    if (workers.empty()) words.push_back(word);
  }
  const auto targets = lookup_.targets(words);
  if (!targets) return requests_.refuse(request, targets.error());
  std::vector<std::string> names;
  for (const std::string& name : *targets) {
    // Of an app or of all, those that ended long ago are not worth a line.
    const bool named = std::find(operands.begin(), operands.end(), name) != operands.end();
    const Placement& placement = state_.instances.at(name);
    const bool may_begin =
        placement.restart != Restart::kNo && placement.desired == Desired::kRunning;
    if (named || may_begin || may_live(facts_, name) || may_be_revived(facts_, name))
      names.push_back(name);
  }
  if (names.empty() && strangers.empty())
    return requests_.out_line(request.id, "nothing of it runs");
  const RequestId id = request.id;
  request.tried = request.waiting = static_cast<int>(names.size() + strangers.size());
  for (Order& order : strangers) {
    const std::string name = order.instance;
    if (const auto gone = facts_.roster.away(order.worker))
      requests_.done_one(id, name, gone, now);
    else
      orders_.send(std::move(order), now);
  }
  // While one of these is waited for, the request is there.
  if (!names.empty()) end_all(request, kind, std::move(names), now);
}

void Stops::end_all(const Request& request, OrderKind kind, std::vector<std::string> names,
                    Now now) {
  slices_.run(
      [this, asked = request, kind, names = std::move(names),
       next = std::size_t{0}](Now then) mutable {
        if (next < names.size()) end_one(asked, kind, names[next++], then);
        return next < names.size();
      },
      now);
}

// The last call of many may end the request.
void Stops::end_one(const Request& request, OrderKind kind, const std::string& name, Now now) {
  if (!state_.instances.contains(name))
    return requests_.done_one(request.id, name, fail(Code::kNotFound, name + " was deleted"), now);
  const InstanceRow shown = row_of(facts_, name, now);
  const Placement& placement = state_.instances.at(name);
  const Desired wanted = kind == OrderKind::kKill ? Desired::kKilled : Desired::kStopped;
  const bool lives = may_live(facts_, name) || may_be_revived(facts_, name);
  if (placement.desired != wanted) recorder_.record(print_desired(name, wanted));
  const auto gone = facts_.roster.away(placement.worker);
  if (!lives) {
    requests_.out_line(request.id, name + " is dead already: " + shown.reason);
    return requests_.done_one(request.id, name, std::nullopt, now);
  }
  if (gone) return requests_.done_one(request.id, name, when_back(*gone, placement.worker), now);
  if (shown.state == "backoff")
    requests_.note(request.id, name + " was not running: its next start is called off");
  orders_.send(EndOrders::order(request, kind, name, placement.worker), now);
}

void Stops::settled(const Order& order, const Line& answer, const std::optional<Error>& error,
                    Now now) {
  std::optional<Error> outcome = error;
  if (error && error->code == Code::kLost) outcome = when_back(*error, order.worker);
  // It never got there, or is gone with its app: that is what was wanted.
  const bool gone = error && error->code == Code::kNotFound && answer.verb() == "ERR";
  if (gone) outcome.reset();
  if (!outcome) {
    std::string reason(gone ? "" : answer.text("reason"));
    if (reason.empty()) reason = "it had not begun";
    requests_.out_line(order.request, order.instance + ": " + reason);
  }
  if (gone) run_ends_.end_unbegun(order.instance, now);
  // The answer says that nothing of it lives; an empty state speaks of a run begun since.
  const Live* live = reports_.find(order.instance);
  if (!outcome && live != nullptr && !live->state.empty()) {
    Live& ended = reports_.edit(order.instance);
    ended.state = "dead";
    ended.wanted = false;
    ended.pid.reset();
  }
  requests_.done_one(order.request, order.instance, outcome, now);
  if (!outcome) launches_.begin_replacement(order.instance, now);
  const auto placement = state_.instances.find(order.instance);
  if (outcome || placement == state_.instances.end()) return;
  deletes_.go_on(order.worker, placement->second.app, now);
}

}  // namespace dm::master
