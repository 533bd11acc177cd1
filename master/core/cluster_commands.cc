// The commands that change something.
#include <algorithm>

#include "common/names.h"
#include "common/shell_words.h"
#include "common/units.h"
#include "master/core/cluster.h"

namespace dm::master {
namespace {

constexpr std::size_t kMaxLaunchLine = kMaxLine - 1024;  // room for the order's id
constexpr std::int64_t kLeaseMs = 15'000;
constexpr std::int64_t kLeastBeatsInLease = 3;

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

std::string short_version(const std::string& version) {
  return version.substr(0, 12);
}

}  // namespace

enum class Cluster::Reach {
  kLooks,
  kChanges,  // named in the audit trail, and refused under a fence
  kExpels,   // named as well; but whoever lied a fence into being can still be thrown out
};

struct Cluster::CommandRow {
  std::string_view name;
  CommandHandler handler;
  Reach reach;
};

const Cluster::CommandRow Cluster::kCommandRows[] = {
    {"workers", &Cluster::do_workers, Reach::kLooks},
    {"workers forget", &Cluster::do_forget, Reach::kExpels},
    {"workers revoke", &Cluster::do_revoke, Reach::kExpels},
    {"failover", &Cluster::do_failover, Reach::kLooks},
    {"failover resume", &Cluster::do_failover, Reach::kChanges},
    {"copy", &Cluster::do_copy, Reach::kChanges},
    {"launch", &Cluster::do_launch, Reach::kChanges},
    {"ps", &Cluster::do_ps, Reach::kLooks},
    {"stop", &Cluster::do_stop, Reach::kChanges},
    {"kill", &Cluster::do_kill, Reach::kChanges},
    {"start", &Cluster::do_start, Reach::kChanges},
    {"usage", &Cluster::do_usage, Reach::kLooks},
    {"logs", &Cluster::do_logs, Reach::kLooks},
    {"delete", &Cluster::do_delete, Reach::kChanges},
    {"events", &Cluster::do_events, Reach::kLooks},
    {"history", &Cluster::do_history, Reach::kLooks},
    {"describe", &Cluster::do_describe, Reach::kLooks},
    {"help", &Cluster::do_help, Reach::kLooks},
    {"names", &Cluster::do_names, Reach::kLooks},
    {"version", &Cluster::do_version, Reach::kLooks},
    {"quit", &Cluster::do_quit, Reach::kLooks},
};

void Cluster::handle(const Command& command, Now now) {
  Request& request = requests_[command.request];
  request.id = command.request;
  request.asker = command.asker;
  request.invocation = command.invocation;
  request.words = typed_words(command.invocation);
  for (const CommandRow& row : kCommandRows) {
    if (row.name != command.invocation.command->name) continue;
    if (row.reach != Reach::kLooks) begin_audit(request, now);
    if (row.reach == Reach::kChanges && !state_.fence.empty()) {
      refuse(request, fail(Code::kDenied, state_.fence));
      break;
    }
    (this->*row.handler)(request, command, now);
    break;
  }
  if (Request* left = find_request(command.request)) finish_if_done(*left, now);
}

// --- copy ---

Status Cluster::register_version(const PackageInfo& package, const std::string& app, Now now) {
  const auto known = state_.versions.find(package.version);
  if (known != state_.versions.end() && known->second.app != app)
    return fail(Code::kExists, "these very files are registered as " + known->second.app);
  manifests_[package.version] = package.manifest;
  if (known != state_.versions.end() && state_.apps[app].current == package.version) return {};
  Line line("VERSION");
  line.add("app", app).add("manifest", package.version).add("at", now.wall_ms);
  // What it ends, a HEARD, may be missing in a snapshot of which this record is the tail.
  if (const std::int64_t next = state_.next_number(app); next > 1) line.add("next", next);
  record(line);
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
  if (is_being_deleted(app)) return refuse(request, fail(Code::kBusy, app + " is being deleted"));
  std::vector<std::string> targets;
  if (const auto to = request.invocation.value("--to")) {
    auto resolved = resolve_workers(*to);
    if (!resolved) return refuse(request, resolved.error());
    targets = *resolved;
  } else {
    for (const auto& [name, view] : workers_) {
      if (!is_available(view, now, options_.heartbeat_ms)) continue;
      if (view.synced)
        targets.push_back(name);
      else
        note(request.id, name + " is not synced yet: left out, launch will copy it");
    }
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
    out_line(request.id, "taken along: " + taken);
  if (targets.empty()) note(request.id, "no worker is available: launch will copy it");
  request.tried = static_cast<int>(targets.size());
  request.waiting = request.tried;
  for (const std::string& worker : targets) {
    if (const auto error = away(worker))
      done_one(command.request, worker, error, now);
    else
      begin_transfer(worker, app, package.version, command.request, "", now);
  }
}

// --- launch ---

Result<const WorkerView*> Cluster::choose_worker(const Request& request, const std::string& app,
                                                 Now now) {
  if (const auto on = request.invocation.value("--on")) {
    const std::string name = on->starts_with("worker/") ? on->substr(7) : *on;
    const auto view = workers_.find(name);
    if (!is_known(name) || view == workers_.end()) return no_such("worker", name);
    if (const auto error = away(name)) return *error;
    return &view->second;
  }
  std::vector<const WorkerView*> candidates;
  std::string why;
  for (const auto& [name, view] : workers_) {
    if (!is_known(name)) continue;
    const std::string refused = view.synced || view.presence != Presence::kUp
                                    ? refusal(view, now, options_.heartbeat_ms)
                                    : "not synced yet";
    if (refused.empty())
      candidates.push_back(&view);
    else
      why += (why.empty() ? ": " : ", ") + name + " is " + refused;
  }
  if (const WorkerView* best = choose(candidates)) return best;
  if (!candidates.empty())
    why = ": every one is above 95 % of processor or memory; --on WORKER overrides that";
  if (state_.workers.empty()) why = ": none has connected yet";
  return fail(Code::kBusy, "no worker can take " + app + why);
}

// Why this launch would break the promise of a singleton; nullopt if it does not.
std::optional<Error> Cluster::check_singleton(const Request& request, const std::string& app,
                                              Now now) const {
  const Invocation& words = request.invocation;
  const bool singleton = words.has("--singleton");
  if (words.has("--lease") && !singleton)
    return fail(Code::kBadArg, "--lease is for a --singleton");
  if (singleton && words.number("--count", 1) > 1)
    return fail(Code::kBadArg, "a --singleton is one: no --count");
  const std::int64_t least = kLeastBeatsInLease * options_.heartbeat_ms;
  if (words.duration_ms("--lease", kLeaseMs) < least && words.has("--lease"))
    return fail(Code::kBadArg, "--lease must be " + print_duration(least) + " or more: " +
                                   std::to_string(kLeastBeatsInLease) + " heartbeats");
  return held_by_other(app, "", singleton, now);
}

void Cluster::create_instance(const Request& request, const std::string& name,
                              const std::string& app, const std::string& worker, Now now) {
  const Invocation& words = request.invocation;
  Placement placement;
  placement.app = app;
  placement.version = state_.apps[app].current;
  placement.worker = worker;
  placement.who = placement.asked_by = request.asker.who;
  placement.created_ms = now.wall_ms;
  placement.restart = words.value("--restart").value_or("no");
  placement.pinned = words.has("--on");
  const bool is_movable = !placement.pinned && placement.restart != "no";
  placement.on_lost = words.value("--on-lost").value_or(is_movable ? "move" : "stay");
  if (words.has("--singleton")) placement.lease_ms = words.duration_ms("--lease", kLeaseMs);
  if (const auto most = words.value("--log-max")) placement.log_max_bytes = *parse_bytes(*most);
  placement.args = words.rest;
  placement.env = words.values("--env");
  record(print_placement(name, placement));
}

void Cluster::do_launch(Request& request, const Command& command, Now now) {
  const RequestId id = request.id;
  std::string app = request.invocation.operands.front();
  if (app.starts_with("app/")) app = app.substr(4);
  if (command.package) app = command.package->manifest.app;
  const auto known = state_.apps.find(app);
  if (!command.package && (known == state_.apps.end() || known->second.current.empty()))
    return refuse(request, no_such("app", app));
  if (is_being_deleted(app)) return refuse(request, fail(Code::kBusy, app + " is being deleted"));
  Placement draft;
  draft.args = request.invocation.rest;
  draft.env = request.invocation.values("--env");
  if (launch_line(app, draft).print().size() > kMaxLaunchLine)
    return refuse(request, fail(Code::kBadArg, "arguments and environment exceed 63 KiB"));
  if (const auto error = check_singleton(request, app, now)) return refuse(request, *error);
  // Asked before anything is begun: a launch that nobody can take leaves no trace.
  if (const auto name = state_.next_name(app); !name) return refuse(request, name.error());
  if (const auto worker = choose_worker(request, app, now); !worker)
    return refuse(request, worker.error());
  if (command.package) {
    if (auto registered = register_version(*command.package, app, now); !registered)
      return refuse(request, registered.error());
    for (const std::string& taken : command.package->taken_along) note(id, "taken along: " + taken);
  }
  const auto count = static_cast<int>(request.invocation.number("--count", 1));
  request.tried = request.waiting = count;
  for (int i = 0; i < count; ++i) {
    const auto name = state_.next_name(app);
    const auto worker = name ? choose_worker(request, app, now) : name.error();
    if (!worker) {
      done_one(id, app, worker.error(), now);
      continue;
    }
    WorkerView& view = workers_[(*worker)->name];
    ++view.placed_since_beat;
    create_instance(request, *name, app, view.name, now);
    install_or_launch(*name, id, now);
  }
}

void Cluster::do_start(Request& request, const Command& command, Now now) {
  std::vector<std::string> names;
  for (const std::string& name : request.invocation.operands) {
    if (!state_.instances.contains(name)) return refuse(request, no_such("instance", name));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  request.tried = request.waiting = static_cast<int>(names.size());
  for (const std::string& name : names) {
    const Placement& placement = state_.instances.at(name);
    const InstanceRow shown = row(name, now);
    auto error = away(placement.worker);
    if (!error && shown.alive) error = fail(Code::kBusy, name + " runs already");
    if (!error && is_launching(name))
      error = fail(Code::kBusy, "an earlier launch of " + name + " is still under way");
    if (!error && is_being_deleted(placement.app))
      error = fail(Code::kBusy, placement.app + " is being deleted");
    if (!error) error = held_by_other(placement.app, name, placement.lease_ms > 0, now);
    if (!error && !state_.versions.contains(placement.version))
      error = fail(Code::kNotFound, "its version of " + placement.app + " was deleted");
    if (error) {
      done_one(command.request, name, error, now);
      continue;
    }
    Line desired = print_desired(name, Desired::kRunning);
    desired.add("run", shown.run + 1).add("who", request.asker.who);
    record(desired.add("moves", 0));
    live_[name].state.clear();
    live_[name].wanted = true;
    install_or_launch(name, command.request, now);
  }
}

}  // namespace dm::master
