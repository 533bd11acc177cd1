// The master's orders, one row and one function each.
#include <algorithm>

#include "common/escape.h"
#include "common/names.h"
#include "common/sha256.h"
#include "worker/core/agent.h"

namespace dm {

struct Agent::Order {
  std::string_view verb;
  Handler handler;
};

const Agent::Order Agent::kOrders[] = {
    {"PROBE", &Agent::probe},   {"INSTALL", &Agent::install}, {"DELETE", &Agent::remove},
    {"LAUNCH", &Agent::launch}, {"STOP", &Agent::stop},       {"KILL", &Agent::kill},
    {"USAGE", &Agent::usage},   {"LOG", &Agent::log},         {"CANCEL", &Agent::cancel},
    {"ACK", &Agent::acknowledge},
};

void Agent::obey(const Line& order, Now now) {
  for (const Order& row : kOrders)
    if (row.verb == order.verb()) return (this->*row.handler)(order, now);
  err(order.text("id"), fail(Code::kUnknownVerb, "no order " + order.verb()));
}

void Agent::err(std::string_view id, const Error& error) {
  Line line("ERR");
  if (!id.empty()) line.add("id", id);
  to_master(line.add("code", word(error.code)).add("msg", error.message));
}

Instance* Agent::find_for(const Line& order) {
  const auto found = instances_.find(std::string(order.text("instance")));
  if (found != instances_.end()) return &found->second;
  err(order.text("id"), fail(Code::kNotFound, "no instance " + std::string(order.text("instance")) +
                                                  " on " + facts_.name));
  return nullptr;
}

void Agent::probe(const Line& order, Now) {
  out_.push_back(Probe{std::string(order.text("id")), order});
}

void Agent::handle(const Probed& probed, Now) {
  if (probed.missing.empty()) return ok(probed.id);
  Line line("ERR");
  line.add("id", probed.id).add("code", word(Code::kBadArg)).add("msg", probed.missing.front());
  for (const std::string& missing : probed.missing) line.add("missing", missing);
  to_master(line);
}

void Agent::install(const Line& order, Now) {
  const std::string id(order.text("id")), app(order.text("app")), manifest(order.text("manifest"));
  if (!is_app_name(app) || !is_sha256_hex(manifest))
    return err(id, fail(Code::kBadArg, "INSTALL needs app= and manifest="));
  out_.push_back(Install{id, app, manifest});
}

void Agent::handle(const InstallProgress& progress, Now) {
  if (!link_.is_up()) return;
  Line line("PROGRESS");
  line.add("id", progress.id).add("done", progress.done).add("total", progress.total);
  to_master(line);
}

void Agent::handle(const Installed& installed, Now) {
  const InstallDone& done = installed.done;
  if (installed.error) return err(done.id, *installed.error);
  auto& executable = installed_[{done.app, done.manifest}];
  if (executable != done.executable) {
    executable = done.executable;
    Line record("INSTALLED");
    record.add("app", done.app).add("manifest", done.manifest).add("exe", done.executable);
    append(record);
  }
  Line line("OK");
  line.add("id", done.id).add("sent", done.files_sent).add("there", done.files_there);
  to_master(line.add("bytes", done.bytes).add("elapsed_ms", done.elapsed_ms));
}

void Agent::remove(const Line& order, Now) {
  const std::string id(order.text("id")), app(order.text("app"));
  if (!is_app_name(app)) return err(id, fail(Code::kBadArg, "DELETE needs app="));
  RemoveApp effect{id, app, {}};
  for (const auto& [name, instance] : instances_) {
    if (instance.spec.app != app) continue;
    if (instance.state != RunState::kDown)
      return err(id, fail(Code::kBusy, name + " is " + std::string(state_word(instance))));
    effect.instances.push_back(name);
  }
  out_.push_back(std::move(effect));
}

void Agent::handle(const Removed& removed, Now) {
  if (removed.error) return err(removed.id, *removed.error);
  const Line record = Line("REMOVED").add("app", removed.app);
  append(record);
  (void)replay(record);
  ok(removed.id);
}

void Agent::launch(const Line& order, Now now) {
  const std::string id(order.text("id"));
  auto spec = parse_spec(order);
  if (!spec) return err(id, spec.error());
  const std::int64_t run = order.number_or("run", 1);
  const auto found = instances_.find(spec->name);
  // Sent again, by a master that did not get our answer: it gets the answer of the record.
  if (found != instances_.end() && run <= found->second.run)
    return answer_launch(found->second, id);
  if (!installed_.contains({spec->app, spec->manifest}))
    return err(id, fail(Code::kNotFound, "version " + spec->manifest.substr(0, 12) + " of " +
                                             spec->app + " is not installed here"));
  Instance& instance = instances_[spec->name];
  const bool is_new = instance.spec.name.empty();
  if (is_new) {
    instance.spec = *spec;
    append(print_spec("INSTANCE", instance.spec));
  } else if (instance.state != RunState::kDown && instance.state != RunState::kBackoff) {
    return err(id, fail(Code::kExists, spec->name + " is " + std::string(state_word(instance))));
  }
  instance.run = std::max(instance.run, run - 1);
  if (!instance.wanted) set_wanted(instance, true);
  instance.backoff.reset();
  instance.answers.push_back({id, PendingAnswer::Kind::kLaunch});
  drive(instance, RunEvent::kStart, now);
}

void Agent::answer_launch(Instance& instance, const std::string& id) {
  if (instance.state == RunState::kSpawning) {
    instance.answers.push_back({id, PendingAnswer::Kind::kLaunch});
  } else if (instance.exec_error) {
    err(id, *instance.exec_error);
  } else {
    Line line("OK");
    line.add("id", id).add("run", instance.run);
    if (instance.pid > 0) line.add("pid", instance.pid);
    to_master(line);
  }
}

void Agent::stop(const Line& order, Now now) {
  Instance* instance = find_for(order);
  if (instance == nullptr) return;
  const std::int64_t grace = std::max<std::int64_t>(order.number_or("timeout_ms", 10'000), 0);
  const bool already_stopping = instance->state == RunState::kStopping;
  set_wanted(*instance, false);
  instance->answers.push_back({std::string(order.text("id")), PendingAnswer::Kind::kStop});
  if (!already_stopping || now.mono_ms + grace < instance->deadline) {
    instance->grace_ms = grace;
    instance->may_kill = order.number_or("no_kill", 0) == 0;
    if (instance->state != RunState::kDraining && instance->state != RunState::kKilling)
      instance->deadline = now.mono_ms + grace;
  }
  drive(*instance, RunEvent::kStop, now);
}

void Agent::kill(const Line& order, Now now) {
  Instance* instance = find_for(order);
  if (instance == nullptr) return;
  set_wanted(*instance, false);
  instance->answers.push_back({std::string(order.text("id")), PendingAnswer::Kind::kKill});
  if (instance->our_part != OurPart::kTimedOut) instance->our_part = OurPart::kKilled;
  drive(*instance, RunEvent::kKill, now);
}

void Agent::usage(const Line& order, Now) {
  Line line("OK");
  line.add("id", order.text("id"));
  if (!order.has("instance")) {
    line.add("cpu_user_ms", host_.children_user_ms);
    line.add("cpu_system_ms", host_.children_system_ms);
    return to_master(line.add("max_rss_bytes", host_.children_max_rss_bytes));
  }
  const Instance* instance = find_for(order);
  if (instance == nullptr) return;
  line.add("cpu_user_ms", instance->usage.cpu_user_ms);
  line.add("cpu_system_ms", instance->usage.cpu_system_ms);
  line.add("rss_bytes", instance->usage.rss_bytes);
  to_master(line.add("max_rss_bytes", instance->max_rss_seen));
}

void Agent::log(const Line& order, Now) {
  const Instance* instance = find_for(order);
  if (instance == nullptr) return;
  const std::int64_t run =
      order.number_or("run", instance->run - (order.number_or("previous", 0) != 0 ? 1 : 0));
  if (run < 1 || run > instance->run)
    return err(order.text("id"), fail(Code::kNotFound, instance->spec.name + " has no run " +
                                                           std::to_string(run) + ", it has 1 to " +
                                                           std::to_string(instance->run)));
  StreamLog effect;
  effect.id = order.text("id");
  effect.instance = instance->spec.name;
  effect.run = run;
  effect.lines = order.number_or("lines", -1);
  effect.offset = std::max<std::int64_t>(order.number_or("offset", 0), 0);
  const bool over = instance->state == RunState::kDown || instance->state == RunState::kBackoff;
  effect.follow = order.number_or("follow", 0) != 0 && run == instance->run && !over;
  out_.push_back(std::move(effect));
}

void Agent::handle(const StreamEnded& ended, Now) {
  if (!link_.is_up()) return;
  if (ended.error) return err(ended.id, *ended.error);
  ok(ended.id);
}

void Agent::cancel(const Line& order, Now) {
  out_.push_back(CancelStream{std::string(order.text("id"))});
}

void Agent::acknowledge(const Line& order, Now) {
  const std::int64_t seq = order.number_or("seq", 0);
  const Line record = Line("ACKED").add("seq", seq);
  append_lazily(record);
  (void)replay(record);
}

}  // namespace dm
