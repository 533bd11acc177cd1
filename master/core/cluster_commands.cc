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

struct Cluster::CommandRow {
  CommandId id;
  CommandHandler handler;
};

// The handler of each command, indexed by CommandId.
constexpr Cluster::CommandRow Cluster::kCommandRows[kCommandCount] = {
    {CommandId::kWorkers, &Cluster::do_workers},
    {CommandId::kWorkersForget, &Cluster::do_forget},
    {CommandId::kWorkersRevoke, &Cluster::do_revoke},
    {CommandId::kCopy, &Cluster::do_copy},
    {CommandId::kLaunch, &Cluster::do_launch},
    {CommandId::kPs, &Cluster::do_ps},
    {CommandId::kStop, &Cluster::do_stop},
    {CommandId::kKill, &Cluster::do_kill},
    {CommandId::kStart, &Cluster::do_start},
    {CommandId::kUsage, &Cluster::do_usage},
    {CommandId::kLogs, &Cluster::do_logs},
    {CommandId::kDelete, &Cluster::do_delete},
    {CommandId::kFailover, &Cluster::do_failover},
    {CommandId::kFailoverResume, &Cluster::do_failover},
    {CommandId::kEvents, &Cluster::do_events},
    {CommandId::kHistory, &Cluster::do_history},
    {CommandId::kDescribe, &Cluster::do_describe},
    {CommandId::kNames, &Cluster::do_names},
    {CommandId::kHelp, &Cluster::do_help},
    {CommandId::kVersion, &Cluster::do_version},
    {CommandId::kQuit, &Cluster::do_quit},
};

void Cluster::handle(const Command& command, Now now) {
  Request& request = requests_[command.request];
  request.id = command.request;
  request.asker = command.asker;
  request.invocation = command.invocation;
  request.words = typed_words(command.invocation);
  static_assert(has_row_for_each_command(kCommandRows));
  const CommandSpec& spec = *command.invocation.command;
  if (spec.reach != Reach::kLooks) begin_audit(request, now);
  if (spec.reach == Reach::kChanges && !state_.fence.empty())
    refuse(request, fail(Code::kDenied, state_.fence));
  else
    (this->*kCommandRows[index_of(spec.id)].handler)(request, command, now);
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
