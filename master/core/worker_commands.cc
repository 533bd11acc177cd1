#include "master/core/worker_commands.h"

#include <set>

#include "common/names.h"
#include "master/decide/identity.h"

namespace dm::master {

void WorkerCommands::forget_worker(Request& request, Now now) {
  std::string name = request.invocation.operands.front();
  if (name.starts_with("worker/")) name = name.substr(7);
  WorkerView* view = roster_.edit(name);
  if (!state_.knows_worker(name) || view == nullptr)
    return requests_.refuse(request, lookup_.no_such("worker", name));
  WorkerView& worker = *view;
  // One that is lost may hang, its connection open.
  if (worker.session != 0 && worker.presence != Presence::kLost)
    return requests_.refuse(request,
                            fail(Code::kBusy, "worker " + name + " is connected; end it first"));
  if (worker.session != 0) {
    roster_.unbind(worker.session);
    out_.push_back(CloseSession{worker.session, "worker " + name + " was forgotten"});
    worker.session = 0;
  }
  // Of what nobody will come back for, nothing is promised to be done later.
  if (worker.presence != Presence::kLeft) worker.presence = Presence::kLost;
  settlement_.give_up(name, fail(Code::kNotFound, "worker " + name + " was forgotten"), now);
  const std::set<std::string> names = state_.placed_on(name);
  failover_.leave_for_good(request, name, now);
  for (const std::string& instance : names) reports_.erase(instance);
  roster_.remove(name);
  recorder_.record(Line("FORGET").add("worker", name));
  // What nobody but it has spoken of went with it; others may have that too.
  for (auto& [other, there] : roster_.edit_all())
    if (there.synced && state_.knows_worker(other)) unrecorded_.learn_numbers(there, now);
  failover_.look_again();
  requests_.out_line(request.id, "worker " + name + " is forgotten");
}

void WorkerCommands::rename(Request& request, Now now) {
  const auto& operands = request.invocation.operands;
  std::string from = operands[0];
  if (from.starts_with("worker/")) from = from.substr(7);
  const std::string to = operands[1];
  if (!state_.knows_worker(from)) return requests_.refuse(request, lookup_.no_such("worker", from));
  if (const auto error = refuses_name(facts_, from, to)) return requests_.refuse(request, *error);
  sessions_.rename(from, to, now);
  requests_.out_line(request.id, "worker " + from + " is called " + to +
                                     " from now on; its key must be of that name too");
}

// Every key of that name made so far is worthless from now on; the name itself stays. What is still
// on its way from a session that one of them opened counts no more.
void WorkerCommands::revoke(Request& request, Now now) {
  const std::string& name = request.invocation.operands.front();
  if (!is_worker_name(name))
    return requests_.refuse(request, fail(Code::kBadArg, "no such name is possible"));
  const std::int64_t generation = state_.least_generation(name) + 1;
  const bool lifted =
      fence_.revoke(Line("REVOKE").add("name", name).add("generation", generation), now);
  const WorkerView* view = roster_.find(name);
  if (view != nullptr && view->session != 0) {
    const SessionClosed closed{view->session, "its key was revoked"};
    out_.push_back(CloseSession{closed.session, closed.why});
    sessions_.handle(closed, now);
  }
  out_.push_back(KeysChanged{});
  if (lifted) sessions_.restart_all("the fence is lifted", now);
  if (lifted) failover_.look_again();
  requests_.out(request.id, name + ": keys below generation " + std::to_string(generation) +
                                " are revoked; make a new one with 'dm keygen --worker " + name +
                                " --generation " + std::to_string(generation) + "'\n");
}

void WorkerCommands::resume_failover(Request& request, Now now) {
  requests_.out(request.id, "failover goes on\n");
  failover_.resume(now);
}

}  // namespace dm::master
