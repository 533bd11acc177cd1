#include "master/core/change_commands.h"

#include <algorithm>
#include <utility>

#include "common/names.h"
#include "common/shell_words.h"
#include "common/units.h"
#include "master/decide/placement.h"
#include "master/decide/singletons.h"
#include "master/view/instance_row.h"

namespace dm::master {
namespace {

constexpr std::size_t kMaxLaunchLine = kMaxLine - 1024;  // room for the order's id
constexpr std::int64_t kLeaseMs = 15'000;
constexpr std::int64_t kLeastBeatsInLease = 3;

// 0: no singleton.
std::int64_t lease_of(const Invocation& words) {
  return words.has("--singleton") ? words.duration_ms("--lease", kLeaseMs) : 0;
}

std::string short_version(const std::string& version) {
  return version.substr(0, 12);
}

// For who would delete one.
std::string about_instance(const std::string& name) {
  const std::string app = name.substr(0, name.rfind('.'));
  return name + " is an instance of " + app + ", and delete removes a whole app: 'stop " + name +
         "' ends it, 'rm " + name + "' removes it once it is dead, 'delete " + app +
         "' removes the app";
}

}  // namespace

ChangeCommands::ChangeCommands(const Parts& parts)
    : options_(parts.options),
      recorder_(parts.recorder),
      requests_(parts.requests),
      catalog_(parts.catalog),
      transfers_(parts.transfers),
      launches_(parts.launches),
      stops_(parts.stops),
      deletes_(parts.deletes),
      slices_(parts.slices),
      roster_(parts.roster),
      reports_(parts.reports),
      lookup_(parts.lookup),
      facts_(parts.facts),
      state_(parts.facts.state) {}

// --- copy ---

// Refuses a file that only happens to give the same name as the one of this app (my.app, my-app).
std::optional<Error> ChangeCommands::check_file_name(const Request& request,
                                                     const PackageInfo& package,
                                                     const std::string& app) const {
  const auto known = state_.apps.find(app);
  if (request.invocation.has("--as") || known == state_.apps.end()) return std::nullopt;
  const Manifest* manifest = catalog_.find(known->second.current);
  if (manifest == nullptr) return std::nullopt;
  const std::string& present = manifest->exe;
  if (present == package.manifest.exe || app_name_from_file(present) != app) return std::nullopt;
  return fail(Code::kExists, "app " + app + " is the file " + quote_word(present) + "; " +
                                 quote_word(package.manifest.exe) + " gives the same name: --as " +
                                 app + " makes it the next version, --as OTHER another app");
}

Status ChangeCommands::register_version(const PackageInfo& package, const std::string& app,
                                        Now now) {
  const auto known = state_.versions.find(package.version);
  if (known != state_.versions.end() && known->second.app != app)
    return fail(Code::kExists, "these very files are registered as " + known->second.app);
  catalog_.add(package.version, package.manifest);
  if (known != state_.versions.end() && state_.apps.at(app).current == package.version) return {};
  Line line("VERSION");
  line.add("app", app).add("manifest", package.version).add("at", now.wall_ms);
  // What it ends, a HEARD, may be missing in a snapshot of which this record is the tail.
  if (const std::int64_t next = state_.next_number(app); next > 1) line.add("next", next);
  recorder_.record(line);
  ClusterEvent event;
  event.kind = "registered";
  event.app = app;
  event.text = app + " is version " + short_version(package.version) + " from now on";
  recorder_.emit(std::move(event), now);
  return {};
}

void ChangeCommands::copy(Request& request, const Command& command, Now now) {
  if (!command.package)
    return requests_.refuse(request, fail(Code::kInternal, "no files came with it"));
  const PackageInfo& package = *command.package;
  const std::string app = package.manifest.app;
  if (deletes_.is_under_way(app))
    return requests_.refuse(request, fail(Code::kBusy, app + " is being deleted"));
  if (const auto error = check_file_name(request, package, app))
    return requests_.refuse(request, *error);
  std::vector<std::string> targets;
  if (const auto to = request.invocation.value("--to")) {
    auto resolved = lookup_.workers(*to);
    if (!resolved) return requests_.refuse(request, resolved.error());
    targets = *resolved;
  } else {
    for (const auto& [name, view] : facts_.roster.all()) {
      if (!is_available(view, now, options_.heartbeat_ms)) continue;
      if (view.synced)
        targets.push_back(name);
      else
        requests_.note(request.id, name + " is not synced yet: left out, launch will copy it");
    }
  }
  if (auto registered = register_version(package, app, now); !registered)
    return requests_.refuse(request, registered.error());
  std::int64_t bytes = 0;
  for (const Manifest::File& file : package.manifest.files) bytes += file.size;
  const std::size_t files = package.manifest.files.size();
  requests_.out(request.id, app + " version " + short_version(package.version) + ": " +
                                std::to_string(files) + (files == 1 ? " file, " : " files, ") +
                                print_bytes(bytes) + "\n");
  for (const std::string& taken : package.taken_along)
    requests_.out_line(request.id, "taken along: " + taken);
  if (targets.empty()) requests_.note(request.id, "no worker is available: launch will copy it");
  request.tried = static_cast<int>(targets.size());
  request.waiting = request.tried;
  for (const std::string& worker : targets) {
    if (const auto error = facts_.roster.away(worker))
      requests_.done_one(command.request, worker, error, now);
    else
      transfers_.begin(worker, app, package.version, command.request, "", now);
  }
}

// --- launch ---

Result<const WorkerView*> ChangeCommands::choose_worker(const Request& request,
                                                        const std::string& app, Now now) {
  if (const auto on = request.invocation.value("--on")) {
    const std::string name = on->starts_with("worker/") ? on->substr(7) : *on;
    const WorkerView* view = facts_.roster.find(name);
    if (!state_.knows_worker(name) || view == nullptr) return lookup_.no_such("worker", name);
    if (const auto error = facts_.roster.away(name)) return *error;
    return view;
  }
  const std::int64_t heartbeat_ms = options_.heartbeat_ms;
  if (const WorkerView* best = choose_anywhere(facts_, heartbeat_ms, {}, IfAllAreFull::kNone, now))
    return best;
  return fail(Code::kBusy,
              "no worker can take " + app + ": " + why_nobody(facts_, heartbeat_ms, now));
}

// Why this launch would break the promise of a singleton; nullopt if it does not.
std::optional<Error> ChangeCommands::check_singleton(const Request& request, const std::string& app,
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
  return held_by_other(facts_, app, "", lease_of(words), now);
}

void ChangeCommands::create_instance(const Request& request, const std::string& name,
                                     const std::string& app, const std::string& worker, Now now) {
  const Invocation& words = request.invocation;
  Placement placement;
  placement.app = app;
  placement.version = state_.apps.at(app).current;
  placement.worker = worker;
  placement.who = placement.asked_by = request.asker.who;
  placement.created_ms = now.wall_ms;
  placement.restart = restart_from(words.value("--restart").value_or("no"));
  placement.pinned = words.has("--on");
  const bool is_movable = !placement.pinned && placement.restart != Restart::kNo;
  placement.on_lost = on_lost_from(words.value("--on-lost").value_or(is_movable ? "move" : "stay"));
  placement.lease_ms = lease_of(words);
  if (const auto most = words.value("--log-max")) placement.log_max_bytes = *parse_bytes(*most);
  placement.args = words.rest;
  placement.env = words.values("--env");
  recorder_.record(print_placement(name, placement));
}

// A name without a '/' is an app's; who means a file learns how to say so.
Error ChangeCommands::no_app_to_launch(const std::string& app) const {
  Error error = lookup_.no_such("app", app);
  error.message += "; to launch a file give a path: launch ./" + quote_word(app);
  return error;
}

void ChangeCommands::launch(Request& request, const Command& command, Now now) {
  const RequestId id = request.id;
  std::string app = request.invocation.operands.front();
  if (app.starts_with("app/")) app = app.substr(4);
  if (command.package) app = command.package->manifest.app;
  const auto known = state_.apps.find(app);
  if (!command.package && (known == state_.apps.end() || known->second.current.empty()))
    return requests_.refuse(request, no_app_to_launch(app));
  if (deletes_.is_under_way(app))
    return requests_.refuse(request, fail(Code::kBusy, app + " is being deleted"));
  Placement draft;
  draft.args = request.invocation.rest;
  draft.env = request.invocation.values("--env");
  if (launch_line(app, draft).print().size() > kMaxLaunchLine)
    return requests_.refuse(request,
                            fail(Code::kBadArg, "arguments and environment exceed 63 KiB"));
  if (const auto error = check_singleton(request, app, now))
    return requests_.refuse(request, *error);
  if (command.package)
    if (const auto error = check_file_name(request, *command.package, app))
      return requests_.refuse(request, *error);
  // Asked before anything is begun: a launch that nobody can take leaves no trace.
  if (const auto name = state_.next_name(app); !name)
    return requests_.refuse(request, name.error());
  if (const auto worker = choose_worker(request, app, now); !worker)
    return requests_.refuse(request, worker.error());
  if (command.package) {
    if (auto registered = register_version(*command.package, app, now); !registered)
      return requests_.refuse(request, registered.error());
    for (const std::string& taken : command.package->taken_along)
      requests_.note(id, "taken along: " + taken);
  }
  for (const std::string& name : finished_beside(facts_, app, "", lease_of(request.invocation)))
    recorder_.record(print_desired(name, Desired::kStopped));
  request.tried = request.waiting = static_cast<int>(request.invocation.number("--count", 1));
  // Goes on when the operator has left: with what was asked, not with the request.
  slices_.run(
      [this, asked = request, app, left = request.waiting](Now then) mutable {
        if (left-- > 0) launch_one(asked, app, then);
        return left > 0;
      },
      now);
}

void ChangeCommands::launch_one(const Request& asked, const std::string& app, Now now) {
  const auto name = state_.next_name(app);
  const auto worker = name ? choose_worker(asked, app, now) : name.error();
  if (!worker) return requests_.done_one(asked.id, app, worker.error(), now);
  const std::string chosen = (*worker)->name;
  roster_.place_on(chosen);
  create_instance(asked, *name, app, chosen, now);
  launches_.install_or_launch(*name, asked.id, now);
}

// Of an app those that 'stop' has stopped: one that ended by itself is to be named.
Result<std::vector<std::string>> ChangeCommands::instances_to_start(
    const std::vector<std::string>& words, Now now) const {
  std::vector<std::string> names;
  for (const std::string& word : words) {
    const auto targets = lookup_.targets({word});
    if (!targets) return targets.error();
    const bool is_one = state_.instances.contains(word);
    bool has_stopped = false;
    for (const std::string& name : *targets) {
      const Placement& placement = state_.instances.at(name);
      const bool is_stopped = placement.desired == Desired::kStopped &&
                              placement.superseded_by.empty() && !row_of(facts_, name, now).alive;
      if (!is_one && !is_stopped) continue;
      has_stopped = true;
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    if (!has_stopped)
      return fail(Code::kNotFound, "no instance of " + word +
                                       " was stopped by 'stop'; name the instance to start, or "
                                       "'launch' a new one");
  }
  return names;
}

void ChangeCommands::start(Request& request, Now now) {
  const RequestId id = request.id;
  const std::string who = request.asker.who;  // the last of them may end the request
  const auto meant = instances_to_start(request.invocation.operands, now);
  if (!meant) return requests_.refuse(request, meant.error());
  const std::vector<std::string>& names = *meant;
  request.tried = request.waiting = static_cast<int>(names.size());
  for (const std::string& name : names) {
    const Placement& placement = state_.instances.at(name);
    const InstanceRow shown = row_of(facts_, name, now);
    auto error = facts_.roster.away(placement.worker);
    if (!error && shown.alive) error = fail(Code::kBusy, name + " runs already");
    if (!error && facts_.underway.is_launching(name))
      error = fail(Code::kBusy, "an earlier launch of " + name + " is still under way");
    if (!error && deletes_.is_under_way(placement.app))
      error = fail(Code::kBusy, placement.app + " is being deleted");
    if (!error) error = held_by_other(facts_, placement.app, name, placement.lease_ms, now);
    if (!error && !state_.versions.contains(placement.version))
      error = fail(Code::kNotFound, "its version of " + placement.app + " was deleted");
    if (error) {
      requests_.done_one(id, name, error, now);
      continue;
    }
    for (const std::string& other :
         finished_beside(facts_, placement.app, name, placement.lease_ms))
      recorder_.record(print_desired(other, Desired::kStopped));
    Line desired = print_desired(name, Desired::kRunning);
    desired.add("run", shown.run + 1).add("who", who);
    recorder_.record(desired.add("moves", 0));
    reports_.edit(name).state.clear();
    reports_.edit(name).wanted = true;
    launches_.install_or_launch(name, id, now);
  }
}

// --- delete ---

void ChangeCommands::remove(Request& request, Now now) {
  std::string app = request.invocation.operands.front();
  if (app.starts_with("app/")) app = app.substr(4);
  if (state_.instances.contains(app))
    return requests_.refuse(request, fail(Code::kBadArg, about_instance(app)));
  const auto known = state_.apps.find(app);
  if (known == state_.apps.end() ||
      (known->second.current.empty() && state_.instances_of(app).empty()))
    return requests_.refuse(request, lookup_.no_such("app", app));
  std::vector<std::string> from;
  if (const auto spec = request.invocation.value("--from")) {
    const auto resolved = lookup_.workers(*spec);
    if (!resolved) return requests_.refuse(request, resolved.error());
    from = *resolved;
  }
  const auto is_meant = [&](const std::string& worker) {
    return from.empty() || std::find(from.begin(), from.end(), worker) != from.end();
  };
  std::vector<std::string> alive;
  for (const std::string& name : state_.instances_of(app)) {
    const InstanceRow shown = row_of(facts_, name, now);
    const bool lives = shown.state != "dead" && !facts_.roster.away(shown.placement->worker);
    if (lives && is_meant(shown.placement->worker)) alive.push_back(name);
  }
  if (!request.invocation.has("--force")) {
    if (!alive.empty())
      return requests_.refuse(
          request,
          fail(Code::kBusy, fold_names(alive) + " still runs; stop it first, or say --force"));
    if (const auto worker = transfers_.worker_awaiting(app, is_meant))
      return requests_.refuse(request, fail(Code::kBusy, app + " is on its way to " + *worker +
                                                             "; wait for it, or say --force"));
  }
  if (alive.empty()) return deletes_.delete_from(request, app, now);
  deletes_.after_stops(request, app);
  request.tried = request.waiting = static_cast<int>(alive.size());
  stops_.end_all(request, OrderKind::kStop, std::move(alive), now);
}

}  // namespace dm::master
