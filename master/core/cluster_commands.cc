// The commands that change something.
#include <algorithm>

#include "common/names.h"
#include "common/shell_words.h"
#include "common/units.h"
#include "master/core/cluster.h"

namespace dm::master {
namespace {

constexpr std::int64_t kStopMs = 10'000;
constexpr std::int64_t kStopPatienceMs = 60'000;  // beyond the timeout of the stop itself
constexpr std::size_t kMaxLaunchLine = kMaxLine - 1024;  // room for the order's id

std::string typed_words(const Invocation& invocation) {
  std::string text(invocation.command->name);
  for (const std::string& operand : invocation.operands) text += " " + quote_word(operand);
  for (const auto& [name, value] : invocation.options) {
    text += " " + name;
    if (!value.empty()) text += " " + quote_word(value);
  }
  if (!invocation.rest.empty()) text += " --";
  for (const std::string& word : invocation.rest) text += " " + quote_word(word);
  return text;
}

std::string short_version(const std::string& version) { return version.substr(0, 12); }

}  // namespace

struct Cluster::CommandRow {
  std::string_view name;
  CommandHandler handler;
  bool changes;  // named in the audit trail
};

const Cluster::CommandRow Cluster::kCommandRows[] = {
    {"workers", &Cluster::do_workers, false}, {"workers forget", &Cluster::do_forget, true},
    {"copy", &Cluster::do_copy, true},        {"launch", &Cluster::do_launch, true},
    {"ps", &Cluster::do_ps, false},           {"stop", &Cluster::do_stop, true},
    {"kill", &Cluster::do_kill, true},        {"start", &Cluster::do_start, true},
    {"usage", &Cluster::do_usage, false},     {"logs", &Cluster::do_logs, false},
    {"delete", &Cluster::do_delete, true},    {"events", &Cluster::do_events, false},
    {"describe", &Cluster::do_describe, false}, {"help", &Cluster::do_help, false},
    {"names", &Cluster::do_names, false},
    {"version", &Cluster::do_version, false}, {"quit", &Cluster::do_quit, false},
};

void Cluster::handle(const Command& command, Now now) {
  Request& request = requests_[command.request];
  request.id = command.request;
  request.asker = command.asker;
  request.invocation = command.invocation;
  request.words = typed_words(command.invocation);
  for (const CommandRow& row : kCommandRows) {
    if (row.name != command.invocation.command->name) continue;
    request.records = row.changes;
    (this->*row.handler)(request, command, now);
    break;
  }
  if (Request* left = find_request(command.request)) finish_if_done(*left, now);
}

void Cluster::do_forget(Request& request, const Command&, Now now) {
  const std::string& name = request.invocation.operands.front();
  const auto view = workers_.find(name);
  if (view == workers_.end()) return refuse(request, no_such("worker", name));
  if (view->second.session != 0)
    return refuse(request, fail(Code::kBusy, "worker " + name + " is connected; end it first"));
  std::vector<std::string> ids;
  for (const auto& [id, order] : orders_)
    if (order.worker == name) ids.push_back(id);
  for (const std::string& id : ids) {
    auto node = orders_.extract(id);
    if (!node.empty())
      settle(std::move(node.mapped()), Line(), fail(Code::kNotFound, name + " was forgotten"), now);
  }
  for (const auto& [instance, placement] : state_.instances)
    if (placement.worker == name) live_.erase(instance);
  workers_.erase(name);
  record(Line("FORGET").add("worker", name));
  out(request.id, "worker " + name + " is forgotten\n");
}

// --- copy ---

Status Cluster::register_version(const PackageInfo& package, const std::string& app, Now now) {
  const auto known = state_.versions.find(package.version);
  if (known != state_.versions.end() && known->second.app != app)
    return fail(Code::kExists, "these very files are registered as " + known->second.app);
  manifests_[package.version] = package.manifest;
  if (known != state_.versions.end() && state_.apps[app].current == package.version) return {};
  Line line("VERSION");
  record(line.add("app", app).add("manifest", package.version).add("at", now.wall_ms));
  ClusterEvent event;
  event.kind = "registered";
  event.app = app;
  event.text = app + " is version " + short_version(package.version) + " from now on";
  happened(std::move(event), now);
  return {};
}

void Cluster::do_copy(Request& request, const Command& command, Now now) {
  if (!command.package) return refuse(request, fail(Code::kInternal, "no files came with it"));
  const PackageInfo& package = *command.package;
  const std::string app = package.manifest.app;
  std::vector<std::string> targets;
  if (const auto to = request.invocation.value("--to")) {
    auto resolved = resolve_workers(*to);
    if (!resolved) return refuse(request, resolved.error());
    targets = *resolved;
  } else {
    for (const auto& [name, view] : workers_)
      if (is_available(view, now, options_.heartbeat_ms)) targets.push_back(name);
  }
  if (auto registered = register_version(package, app, now); !registered)
    return refuse(request, registered.error());
  std::int64_t bytes = 0;
  for (const Manifest::File& file : package.manifest.files) bytes += file.size;
  const std::size_t files = package.manifest.files.size();
  out(request.id, app + " version " + short_version(package.version) + ": " +
                      std::to_string(files) + (files == 1 ? " file, " : " files, ") +
                      print_bytes(bytes) + "\n");
  for (const std::string& taken : package.taken_along)
    out(request.id, "taken along: " + taken + "\n");
  if (targets.empty()) note(request.id, "no worker is available: launch will copy it");
  request.tried = static_cast<int>(targets.size());
  request.waiting = request.tried;
  for (const std::string& worker : targets) {
    const WorkerView& view = workers_[worker];
    if (view.presence == Presence::kLost || view.presence == Presence::kLeft)
      done_one(request.id, worker,
               fail(Code::kLost, "worker " + worker + " is " + std::string(word(view.presence))),
               now);
    else
      begin_transfer(worker, app, package.version, request.id, "", now);
    if (find_request(command.request) == nullptr) return;
  }
}

// --- launch ---

Result<const WorkerView*> Cluster::choose_worker(const Request& request, const std::string& app,
                                                 Now now) {
  if (const auto on = request.invocation.value("--on")) {
    const std::string name = on->starts_with("worker/") ? on->substr(7) : *on;
    const auto view = workers_.find(name);
    if (view == workers_.end()) return no_such("worker", name);
    if (view->second.presence == Presence::kLost || view->second.presence == Presence::kLeft)
      return fail(Code::kLost,
                  "worker " + name + " is " + std::string(word(view->second.presence)));
    return &view->second;
  }
  std::vector<const WorkerView*> candidates;
  std::string why;
  for (const auto& [name, view] : workers_) {
    const std::string refused = view.synced || view.presence != Presence::kUp
                                    ? refusal(view, now, options_.heartbeat_ms)
                                    : "not synced yet";
    if (refused.empty())
      candidates.push_back(&view);
    else
      why += (why.empty() ? ": " : ", ") + name + " is " + refused;
  }
  if (const WorkerView* best = choose(candidates)) return best;
  if (!candidates.empty()) why = ": every one is above 95 % of processor or memory; --on WORKER overrides that";
  if (workers_.empty()) why = ": none has connected yet";
  return fail(Code::kBusy, "no worker can take " + app + why);
}

std::string Cluster::create_instance(const Request& request, const std::string& app,
                                     const std::string& worker, Now now) {
  const std::string name = app + "." + std::to_string(state_.apps[app].next_number);
  Line line("INSTANCE");
  line.add("instance", name).add("app", app).add("manifest", state_.apps[app].current);
  line.add("worker", worker).add("at", now.wall_ms);
  line.add("restart", request.invocation.value("--restart").value_or("no"));
  line.add("pinned", request.invocation.has("--on") ? 1 : 0);
  for (const std::string& arg : request.invocation.rest) line.add("arg", arg);
  for (const std::string& env : request.invocation.values("--env")) line.add("env", env);
  record(line);
  return name;
}

void Cluster::do_launch(Request& request, const Command& command, Now now) {
  const RequestId id = request.id;
  std::string app = request.invocation.operands.front();
  if (app.starts_with("app/")) app = app.substr(4);
  if (command.package) app = command.package->manifest.app;
  const auto known = state_.apps.find(app);
  if (!command.package && (known == state_.apps.end() || known->second.current.empty()))
    return refuse(request, no_such("app", app));
  Placement draft;
  draft.args = request.invocation.rest;
  draft.env = request.invocation.values("--env");
  if (launch_line(app, draft).print().size() > kMaxLaunchLine)
    return refuse(request, fail(Code::kBadArg, "arguments and environment exceed 63 KiB"));
  // Asked before anything is begun: a launch that nobody can take leaves no trace.
  if (const auto worker = choose_worker(request, app, now); !worker)
    return refuse(request, worker.error());
  if (command.package) {
    if (auto registered = register_version(*command.package, app, now); !registered)
      return refuse(request, registered.error());
    for (const std::string& taken : command.package->taken_along)
      note(id, "taken along: " + taken);
  }
  const auto count = static_cast<int>(request.invocation.number("--count", 1));
  request.tried = request.waiting = count;
  for (int i = 0; i < count; ++i) {
    const auto worker = choose_worker(request, app, now);
    if (!worker) {
      done_one(id, app, worker.error(), now);
      continue;
    }
    WorkerView& view = workers_[(*worker)->name];
    ++view.placed_since_beat;
    const std::string name = create_instance(request, app, view.name, now);
    const std::string version = state_.apps[app].current;
    if (state_.versions[version].installed_on.contains(view.name)) {
      send_launch(name, id, now);
    } else {
      launching_[name] = id;
      begin_transfer(view.name, app, version, 0, name, now);
    }
  }
}

void Cluster::do_start(Request& request, const Command& command, Now now) {
  std::vector<std::string> names;
  for (const std::string& name : request.invocation.operands) {
    if (!state_.instances.contains(name)) return refuse(request, no_such("instance", name));
    names.push_back(name);
  }
  request.tried = request.waiting = static_cast<int>(names.size());
  for (const std::string& name : names) {
    const Placement& placement = state_.instances[name];
    const WorkerView& view = workers_[placement.worker];
    std::optional<Error> error;
    if (view.presence == Presence::kLost || view.presence == Presence::kLeft)
      error = fail(Code::kLost, "worker " + placement.worker + " is " +
                                    std::string(word(view.presence)));
    else if (is_alive(name))
      error = fail(Code::kBusy, name + " runs already");
    if (error) {
      done_one(command.request, name, error, now);
      continue;
    }
    const std::int64_t run = std::max(placement.run, live_[name].run) + 1;
    Line desired("DESIRED");
    desired.add("instance", name).add("desired", word(Desired::kRunning));
    record(desired.add("run", run));
    live_[name].state.clear();
    if (state_.versions[placement.version].installed_on.contains(placement.worker)) {
      send_launch(name, command.request, now);
    } else {
      launching_[name] = command.request;
      begin_transfer(placement.worker, placement.app, placement.version, 0, name, now);
    }
  }
}

// --- stop and kill ---

void Cluster::do_stop(Request& request, const Command&, Now now) {
  end_instances(request, OrderKind::kStop, now);
}

void Cluster::do_kill(Request& request, const Command&, Now now) {
  end_instances(request, OrderKind::kKill, now);
}

void Cluster::end_instances(Request& request, OrderKind kind, Now now) {
  const auto targets = resolve_targets(request.invocation.operands);
  if (!targets) return refuse(request, targets.error());
  const auto& operands = request.invocation.operands;
  std::vector<std::string> names;
  for (const std::string& name : *targets) {
    // Of an app or of all, those that ended long ago are not worth a line.
    const bool named = std::find(operands.begin(), operands.end(), name) != operands.end();
    const InstanceRow shown = row(name, now);
    if (named || shown.alive || shown.state == "backoff") names.push_back(name);
  }
  if (names.empty()) return out(request.id, "nothing of it runs\n");
  const RequestId id = request.id;
  request.tried = request.waiting = static_cast<int>(names.size());
  for (const std::string& name : names)
    if (Request* still = find_request(id)) end_one(*still, kind, name, now);
}

void Cluster::end_one(Request& request, OrderKind kind, const std::string& name, Now now) {
  const InstanceRow shown = row(name, now);
  const Placement& placement = state_.instances[name];
  const Desired wanted = kind == OrderKind::kKill ? Desired::kKilled : Desired::kStopped;
  const bool was_wanted = placement.desired == Desired::kRunning;
  if (placement.desired != wanted)
    record(Line("DESIRED").add("instance", name).add("desired", word(wanted)));
  const WorkerView& view = workers_[placement.worker];
  const bool away = view.presence == Presence::kLost || view.presence == Presence::kLeft;
  if (!shown.alive && shown.state != "backoff") {
    out(request.id, name + " is dead already: " + shown.reason + "\n");
    // Its worker hears of it all the same, so that no policy revives it.
    if (was_wanted && placement.restart != "no" && !away) {
      Order order;
      order.worker = placement.worker;
      order.kind = OrderKind::kStop;
      order.instance = name;
      order.line = Line("STOP").add("instance", name);
      send_order(std::move(order), now);
    }
    return done_one(request.id, name, std::nullopt, now);
  }
  if (away)
    return done_one(request.id, name,
                    fail(Code::kLost, "worker " + placement.worker + " is " +
                                          std::string(word(view.presence)) +
                                          ": will be done when " + placement.worker + " returns"),
                    now);
  Order order;
  order.worker = placement.worker;
  order.kind = kind;
  order.request = request.id;
  order.instance = name;
  order.line = Line(kind == OrderKind::kKill ? "KILL" : "STOP").add("instance", name);
  if (kind == OrderKind::kStop) {
    const std::int64_t timeout = request.invocation.duration_ms("--timeout", kStopMs);
    order.line.add("timeout_ms", timeout);
    if (request.invocation.has("--no-kill")) order.line.add("no_kill", 1);
    order.patience_ms = timeout + kStopPatienceMs;
  }
  send_order(std::move(order), now);
}

// --- delete ---

void Cluster::do_delete(Request& request, const Command&, Now now) {
  std::string app = request.invocation.operands.front();
  if (app.starts_with("app/")) app = app.substr(4);
  const auto known = state_.apps.find(app);
  if (known == state_.apps.end() || (known->second.current.empty() && instances_of(app).empty()))
    return refuse(request, no_such("app", app));
  std::vector<std::string> from;
  if (const auto spec = request.invocation.value("--from")) {
    const auto resolved = resolve_workers(*spec);
    if (!resolved) return refuse(request, resolved.error());
    from = *resolved;
  }
  std::vector<std::string> alive;
  for (const std::string& name : instances_of(app)) {
    const InstanceRow shown = row(name, now);
    const bool meant = from.empty() || std::find(from.begin(), from.end(),
                                                 shown.placement->worker) != from.end();
    if (meant && (shown.alive || shown.state == "backoff") && shown.state != "unknown")
      alive.push_back(name);
  }
  if (!alive.empty() && !request.invocation.has("--force"))
    return refuse(request, fail(Code::kBusy, fold_names(alive) + " still runs; stop it first, or "
                                                                 "say --force"));
  if (alive.empty()) return delete_from(request, app, now);
  request.stops_app = app;
  const RequestId id = request.id;
  request.tried = request.waiting = static_cast<int>(alive.size());
  for (const std::string& name : alive)
    if (Request* still = find_request(id)) end_one(*still, OrderKind::kStop, name, now);
}

void Cluster::delete_from(Request& request, const std::string& app, Now now) {
  std::set<std::string> targets;
  if (const auto spec = request.invocation.value("--from")) {
    const auto resolved = resolve_workers(*spec);
    if (resolved) targets.insert(resolved->begin(), resolved->end());
  } else {
    for (const auto& [sha, version] : state_.versions)
      if (version.app == app)
        targets.insert(version.installed_on.begin(), version.installed_on.end());
    for (const std::string& name : instances_of(app))
      targets.insert(state_.instances[name].worker);
  }
  const RequestId id = request.id;
  const bool everywhere = !request.invocation.has("--from");
  const int count = static_cast<int>(targets.size());
  request.tried += count;
  request.waiting += count + 1;  // one for this function itself
  for (const std::string& worker : targets) {
    record(Line("DELETING").add("app", app).add("worker", worker));
    const WorkerView& view = workers_[worker];
    if (view.presence == Presence::kLost || view.presence == Presence::kLeft) {
      done_one(id, worker,
               fail(Code::kLost, "worker " + worker + " is " + std::string(word(view.presence)) +
                                     ": will be done when " + worker + " returns"),
               now);
      continue;
    }
    Order order;
    order.worker = worker;
    order.kind = OrderKind::kDelete;
    order.request = id;
    order.app = app;
    order.line = Line("DELETE").add("app", app);
    send_order(std::move(order), now);
  }
  if (everywhere) {
    record(Line("APP").add("app", app).add("next", state_.apps[app].next_number).add("deleted", 1));
    out(id, "master: deleted\n");
    out_.push_back(CollectBlobs{});
  }
  --request.waiting;
}

}  // namespace dm::master
