// Who this worker is to its master, and what it may begin before that has let it in.
#include "worker/core/agent.h"

namespace dm::worker {
namespace {

// Of an ERR in place of WELCOME: it will be the same next time.
bool is_for_good(Code code) {
  return code == Code::kDenied || code == Code::kExists || code == Code::kBadArg;
}

}  // namespace

void Agent::hold_until_heard(Now now) {
  if (link_.is_up() || instances_.empty()) return;
  hold_.begin(now);
  out_.push_back(
      Say{"this machine has been booted since: apps are started when the master is "
          "heard, or after 30 s without one"});
}

// What a master says before WELCOME.
void Agent::note_greeting(const Line& line, Now now) {
  hold_.heard(now);
  if (line.verb() == "ERR" && is_for_good(code_from(line.text("code")))) hold_.refused();
}

void Agent::let_go(Now now) {
  if (!hold_.is_held()) return;
  hold_.end();
  for (auto& [name, instance] : instances_)
    if (instance.state == RunState::kBackoff && instance.deadline == kNever)
      set_deadline(instance, now.mono_ms);
}

// A cluster that holds our secret is never sent it again: whoever has stolen our key could ask.
void Agent::note_enrolment() {
  if (link_.identity() != "known" || binding_.enrolled) return;
  if (binding_.cluster.empty() || binding_.cluster != link_.cluster()) return;
  binding_.enrolled = true;
  append_lazily(binding_.print());
}

bool Agent::wants_to_enrol() const {
  const bool is_known = binding_.enrolled && binding_.cluster == link_.cluster();
  return link_.identity() == "enroll" && !is_known;
}

}  // namespace dm::worker
