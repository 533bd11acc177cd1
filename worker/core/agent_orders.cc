// The master's orders, one row and one function each.
#include <algorithm>

#include "common/escape.h"
#include "common/names.h"
#include "common/probe.h"
#include "common/sha256.h"
#include "common/units.h"
#include "worker/core/agent.h"

namespace dm::worker {
namespace {

constexpr std::int64_t kMostRuns = 1'000'000'000;
constexpr std::int64_t kStopMs = 10'000;
constexpr std::size_t kMostBecause = 200;  // bytes

// Adds `id` to those who wait for one work, each once. True if the work is to be begun for it.
bool joins(std::vector<std::string>& waiting, const std::string& id) {
  const bool is_first = waiting.empty();
  if (std::find(waiting.begin(), waiting.end(), id) == waiting.end()) waiting.push_back(id);
  return is_first;
}

}  // namespace

struct Agent::Order {
  std::string_view verb;
  Handler handler;
  bool changes = true;  // what runs or is kept here; only such an order binds us to its master
};

const Agent::Order Agent::kOrders[] = {
    {"PROBE", &Agent::probe},
    {"INSTALL", &Agent::install},
    {"DELETE", &Agent::remove},
    {"LAUNCH", &Agent::launch},
    {"STOP", &Agent::stop},
    {"KILL", &Agent::kill},
    {"USAGE", &Agent::usage, false},
    {"LOG", &Agent::log, false},
    {"CANCEL", &Agent::cancel, false},
    {"ACK", &Agent::acknowledge},
    {"LEASE", &Agent::renew},
    {"FORGET", &Agent::forget},
};

// What we are bound to is on disk before the first order has any effect, the first ACK too: what we
// forget by it only that start of the master knows. A master that only reads does not bind us: an
// old copy of its journal must hear from us again that it is one.
void Agent::bind() {
  ClusterBinding binding = link_.binding();
  binding.enrolled = link_.identity() == "known";
  if (binding.cluster == binding_.cluster && binding_.enrolled) binding.enrolled = true;
  if (binding.cluster.empty() ||
      (binding.cluster == binding_.cluster && binding.epoch == binding_.epoch))
    return;
  binding_ = binding;
  append(binding.print());
}

void Agent::obey(const Line& order, Now now) {
  const std::string_view epoch = epoch_of_order(order.text("id"));
  if (!epoch.empty() && epoch != link_.epoch())
    return err(order.text("id"), fail(Code::kDenied, "an order of epoch " + std::string(epoch) +
                                                         ", not of this one"));
  for (const Order& row : kOrders) {
    if (row.verb != order.verb()) continue;
    if (row.changes) bind();
    return (this->*row.handler)(order, now);
  }
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
  line.add("id", probed.id).add("code", word(Code::kExecFailed));
  line.add("msg", explain_missing(probed.missing));
  for (const std::string& missing : probed.missing) line.add("missing", missing);
  to_master(line);
}

void Agent::install(const Line& order, Now) {
  const std::string id(order.text("id")), app(order.text("app")), manifest(order.text("manifest"));
  if (!is_app_name(app) || !is_sha256_hex(manifest))
    return err(id, fail(Code::kBadArg, "INSTALL needs app= and manifest="));
  if (removing_.contains(app)) return err(id, fail(Code::kBusy, app + " is being deleted"));
  if (is_disk_low() && !installed_.contains({app, manifest})) return err(id, disk_low());
  if (joins(installing_[{app, manifest}], id)) out_.push_back(Install{id, app, manifest});
}

void Agent::handle(const InstallProgress& progress, Now) {
  for (const auto& [version, ids] : installing_) {
    if (ids.front() != progress.id) continue;
    for (const std::string& id : ids)
      to_master(
          Line("PROGRESS").add("id", id).add("done", progress.done).add("total", progress.total));
  }
}

void Agent::handle(const Installed& installed, Now) {
  const InstallDone& done = installed.done;
  const auto waiting = installing_.extract({done.app, done.manifest});
  if (waiting.empty()) return;
  if (installed.error) {
    for (const std::string& id : waiting.mapped()) err(id, *installed.error);
    return;
  }
  auto& executable = installed_[{done.app, done.manifest}];
  if (executable != done.executable) {
    executable = done.executable;
    Line record("INSTALLED");
    record.add("app", done.app).add("manifest", done.manifest).add("exe", done.executable);
    append(record);
  }
  for (const std::string& id : waiting.mapped()) {
    Line line("OK");
    line.add("id", id).add("sent", done.files_sent).add("there", done.files_there);
    to_master(line.add("bytes", done.bytes).add("elapsed_ms", done.elapsed_ms));
  }
}

void Agent::remove(const Line& order, Now) {
  const std::string id(order.text("id")), app(order.text("app"));
  if (!is_app_name(app)) return err(id, fail(Code::kBadArg, "DELETE needs app="));
  for (const auto& [version, ids] : installing_)
    if (version.first == app) return err(id, fail(Code::kBusy, app + " is being installed"));
  RemoveApp effect{id, app, {}};
  // Those of one app stand together: APP.N.
  for (auto each = instances_.lower_bound(app + "."); each != instances_.end(); ++each) {
    const auto& [name, instance] = *each;
    if (!name.starts_with(app + ".")) break;
    if (instance.state != RunState::kDown)
      return err(id, fail(Code::kBusy, name + " is " + std::string(state_word(instance))));
    effect.instances.push_back(name);
  }
  if (joins(removing_[app], id)) out_.push_back(std::move(effect));
}

void Agent::handle(const Removed& removed, Now) {
  const auto waiting = removing_.extract(removed.app);
  if (waiting.empty()) return;
  if (!removed.error) {
    const Line record = Line("REMOVED").add("app", removed.app);
    append(record);
    (void)replay(record);
  }
  for (const std::string& id : waiting.mapped()) removed.error ? err(id, *removed.error) : ok(id);
}

// Instances that ended long ago: neither files nor records of them stay. One that is not known is
// removed too; an earlier removal may have been cut short.
void Agent::forget(const Line& order, Now) {
  const std::string id(order.text("id"));
  const std::vector<std::string> names = order.all("instance");
  for (const std::string& name : names) {
    if (!parse_instance_name(name))
      return err(id, fail(Code::kBadArg, "FORGET needs instance=APP.N"));
    const auto found = instances_.find(name);
    if (found != instances_.end() && found->second.state != RunState::kDown)
      return err(id, fail(Code::kBusy, name + " is " + std::string(state_word(found->second))));
  }
  if (forgetting_.emplace(id, names).second) out_.push_back(RemoveInstances{id, names});
}

void Agent::handle(const InstancesRemoved& removed, Now) {
  const auto waiting = forgetting_.extract(removed.id);
  if (waiting.empty()) return;
  if (removed.error) return err(removed.id, *removed.error);
  Line record("FORGOTTEN");
  for (const std::string& name : waiting.mapped()) record.add("instance", name);
  append(record);
  (void)replay(record);
  ok(removed.id);
}

bool Agent::is_being_forgotten(const std::string& instance) const {
  return std::any_of(forgetting_.begin(), forgetting_.end(), [&](const auto& entry) {
    return std::find(entry.second.begin(), entry.second.end(), instance) != entry.second.end();
  });
}

bool Agent::has_less_than(int percent) const {
  return host_ && host_->disk_free_bytes < host_->disk_total_bytes / 100 * percent;
}

Error Agent::disk_low() const {
  return fail(Code::kNoSpace, "the disk of " + facts_.name +
                                  " is nearly full: " + print_bytes(host_->disk_free_bytes) +
                                  " of " + print_bytes(host_->disk_total_bytes) +
                                  " are free, it takes no new "
                                  "work below " +
                                  std::to_string(facts_.disk_floor_percent) + " %");
}

void Agent::launch(const Line& order, Now now) {
  const std::string id(order.text("id"));
  auto spec = parse_spec(order);
  if (!spec) return err(id, spec.error());
  const std::int64_t run = order.number_or("run", 1);
  if (run < 1 || run > kMostRuns)
    return err(id, fail(Code::kBadArg, "run= must be from 1 to " + std::to_string(kMostRuns)));
  const auto found = instances_.find(spec->name);
  if (found != instances_.end()) learn(found->second, *spec);
  // Sent again, by a master that did not get our answer: it gets the answer of the record.
  if (found != instances_.end() && run <= found->second.run)
    return answer_launch(found->second, id, run);
  if (removing_.contains(spec->app) || is_being_forgotten(spec->name))
    return err(id, fail(Code::kBusy, spec->name + " is being deleted"));
  if (!installed_.contains({spec->app, spec->manifest}))
    return err(id, fail(Code::kNotFound, "version " + spec->manifest.substr(0, 12) + " of " +
                                             spec->app + " is not installed here"));
  if (is_disk_low()) return err(id, disk_low());
  const std::int64_t lease_until = lease_end(order.number_or("beat", 0), spec->lease_ms);
  if (spec->lease_ms > 0 && lease_until <= now.mono_ms)
    return err(id, fail(Code::kBusy, "the order came so late that its lease was over"));
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
  instance.lease_until = std::max(instance.lease_until, lease_until);
  await(instance, id, PendingAnswer::Kind::kLaunch);
  drive(instance, RunEvent::kStart, now);
}

// Of one that was found without a record; what lives goes on as it is.
void Agent::learn(Instance& instance, const InstanceSpec& spec) {
  if (instance.spec.is_known()) return;
  instance.spec = spec;
  append(instance_record(instance));
}

void Agent::answer_launch(Instance& instance, const std::string& id, std::int64_t run) {
  if (instance.state == RunState::kSpawning)
    return await(instance, id, PendingAnswer::Kind::kLaunch);
  // The error of a later run, begun by policy, is no answer.
  if (instance.exec_error && run == instance.run) return err(id, *instance.exec_error);
  std::int64_t pid = instance.pid;
  if (pid == 0 && instance.last_end) pid = instance.last_end->number_or("pid", 0);
  Line line("OK");
  line.add("id", id).add("run", instance.run);
  if (pid > 0) line.add("pid", pid);
  to_master(line);
}

void Agent::stop(const Line& order, Now now) {
  Instance* instance = find_for(order);
  if (instance == nullptr) return;
  set_wanted(*instance, false);
  instance->because = order.text("because").substr(0, kMostBecause);
  await(*instance, order.text("id"), PendingAnswer::Kind::kStop);
  const std::int64_t grace = order.number_or("timeout_ms", kStopMs);
  set_grace(*instance, std::clamp<std::int64_t>(grace, 0, kMaxDurationMs),
            order.number_or("no_kill", 0) == 0, now);
  drive(*instance, RunEvent::kStop, now);
}

// Of two stops the stricter counts: one that kills before one that does not, then the earlier.
void Agent::set_grace(Instance& instance, std::int64_t grace_ms, bool may_kill, Now now) {
  if (instance.state == RunState::kDraining || instance.state == RunState::kKilling) return;
  const bool is_stricter =
      may_kill == instance.may_kill ? now.mono_ms + grace_ms < instance.deadline : may_kill;
  if (instance.state == RunState::kStopping && !is_stricter) return;
  instance.grace_ms = grace_ms;
  instance.may_kill = may_kill;
  set_deadline(instance, now.mono_ms + grace_ms);
}

void Agent::kill(const Line& order, Now now) {
  Instance* instance = find_for(order);
  if (instance == nullptr) return;
  set_wanted(*instance, false);
  instance->because = order.text("because").substr(0, kMostBecause);
  await(*instance, order.text("id"), PendingAnswer::Kind::kKill);
  if (instance->our_part != OurPart::kTimedOut) instance->our_part = OurPart::kKilled;
  drive(*instance, RunEvent::kKill, now);
}

void Agent::usage(const Line& order, Now) {
  Line line("OK");
  line.add("id", order.text("id"));
  if (!order.has("instance")) {
    if (!host_) return to_master(line);
    line.add("cpu_user_ms", host_->children_user_ms);
    line.add("cpu_system_ms", host_->children_system_ms);
    line.add("max_rss_bytes", host_->children_max_rss_bytes);
    return to_master(line.add("reaped", host_->children_reaped));
  }
  const Instance* instance = find_for(order);
  if (instance == nullptr) return;
  add_usage(line, *instance);
  to_master(line);
}

void Agent::log(const Line& order, Now now) {
  const Instance* instance = find_for(order);
  if (instance == nullptr) return;
  const bool previous = order.number_or("previous", 0) != 0;
  const std::int64_t run = order.number_or("run", instance->run - (previous ? 1 : 0));
  if (run == 0 && instance->run == 1 && previous)
    return err(order.text("id"),
               fail(Code::kNotFound, instance->spec.name + " is in its first run, it has no log of "
                                                           "one before"));
  if (run < 1 || run > instance->run)
    return err(order.text("id"),
               fail(Code::kNotFound, instance->spec.name + " has no run " + std::to_string(run) +
                                         ", it has 1 to " + std::to_string(instance->run)));
  StreamLog effect;
  effect.id = order.text("id");
  // Sent again after a new session: the stream has a connection of its own, and goes on.
  if (!streaming_.insert(effect.id).second) return;
  effect.instance = instance->spec.name;
  effect.run = run;
  effect.lines = order.number_or("lines", -1);
  effect.offset = std::max<std::int64_t>(order.number_or("offset", 0), 0);
  effect.tail_bytes = std::max<std::int64_t>(order.number_or("tail_bytes", 0), 0);
  const bool over = instance->state == RunState::kDown || instance->state == RunState::kBackoff;
  if (order.has("since_ms"))
    effect.since_ms =
        now.wall_ms - std::clamp<std::int64_t>(order.number_or("since_ms", 0), 0, kMaxDurationMs);
  effect.stamp = order.number_or("stamp", 0) != 0;
  effect.follow = order.number_or("follow", 0) != 0 && run == instance->run && !over;
  out_.push_back(std::move(effect));
}

void Agent::handle(const StreamEnded& ended, Now) {
  streaming_.erase(ended.id);
  ended.error ? err(ended.id, *ended.error) : ok(ended.id);
}

void Agent::cancel(const Line& order, Now) {
  out_.push_back(CancelStream{std::string(order.text("id"))});
}

void Agent::acknowledge(const Line& order, Now now) {
  const std::int64_t seq = order.number_or("seq", 0);
  if (order.has("slow")) slow_down(std::string(order.text("slow")), seq, now);
  if (seq <= acked_ || seq >= next_end_) return;
  const Line record = Line("ACKED").add("seq", seq);
  append_lazily(record);
  (void)replay(record);
}

}  // namespace dm::worker
