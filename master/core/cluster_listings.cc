// The commands that only look.
#include <algorithm>

#include "common/escape.h"
#include "common/json.h"
#include "common/names.h"
#include "common/shell_words.h"
#include "common/units.h"
#include "master/core/cluster.h"
#include "master/core/views.h"

namespace dm::master {
namespace {

constexpr std::int64_t kEventsShown = 20;
constexpr std::string_view kInsecure = "insecure: no secret, loopback only\n";

std::string ago(std::int64_t wall_ms, Now now) {
  return print_time_utc(wall_ms) + " (" +
         print_duration(std::max<std::int64_t>(now.wall_ms - wall_ms, 0)) + " ago)";
}

}  // namespace

void Cluster::do_workers(Request& request, const Command&, Now now) {
  std::vector<const WorkerView*> views;
  for (auto& [name, view] : workers_) {
    if (!is_known(name)) continue;
    view.available = is_available(view, now, options_.heartbeat_ms);
    views.push_back(&view);
  }
  const bool json = request.invocation.has("--json");
  std::string text = show_workers(views, now, json);
  if (options_.insecure && !json) text += kInsecure;
  if (!state_.fence.empty()) note(request.id, state_.fence);
  out(request.id, std::move(text));
}

void Cluster::do_ps(Request& request, const Command&, Now now) {
  const auto names = resolve_listing(request.invocation);
  if (!names) return refuse(request, names.error());
  const auto& operands = request.invocation.operands;
  std::vector<InstanceRow> rows;
  for (const std::string& name : *names) {
    InstanceRow shown = row(name, now);
    // An instance that is named is shown, dead or not.
    const bool named = !operands.empty() && operands.front() == name;
    if (shown.state != "dead" || named || request.invocation.has("--all"))
      rows.push_back(std::move(shown));
  }
  const std::deque<Placement> places = add_foreign(rows, request.invocation);
  out(request.id, show_instances(rows, now, request.invocation.has("--json")));
}

// What workers run that is not ours, behind what is. The rows point into what is returned.
std::deque<Placement> Cluster::add_foreign(std::vector<InstanceRow>& rows,
                                           const Invocation& invocation) const {
  std::deque<Placement> places;
  const std::string asked = invocation.operands.empty() ? "all" : invocation.operands.front();
  for (const auto& [worker, view] : workers_) {
    if (asked != "all" && asked != worker && asked != "worker/" + worker) continue;
    for (const auto& [name, foreign] : view.foreign) {
      const bool is_dead = foreign.state == "dead";
      if (is_dead && !invocation.has("--all")) continue;
      Placement& place = places.emplace_back();
      place.app = name.substr(0, name.rfind('.'));
      place.worker = worker;
      InstanceRow row;
      row.name = name;
      row.placement = &place;
      row.state = "foreign";
      row.reason = is_dead ? "dead, unknown to this master" : "unknown to this master, left alone";
      row.alive = !is_dead;
      row.run = foreign.run;
      row.pid = foreign.pid;
      rows.push_back(std::move(row));
    }
  }
  return places;
}

void Cluster::do_usage(Request& request, const Command&, Now now) {
  const auto names = resolve_listing(request.invocation);
  if (!names) return refuse(request, names.error());
  const bool samples = request.invocation.has("--since");
  const std::int64_t since =
      now.wall_ms - (samples ? request.invocation.ago_ms("--since", now.wall_ms) : 0);
  std::vector<UsageRow> rows;
  std::set<std::string> on_workers;
  for (const std::string& name : *names) {
    const InstanceRow shown = row(name, now);
    const std::string& worker = shown.placement->worker;
    on_workers.insert(worker);
    if (!samples) {
      const bool named = !request.invocation.operands.empty();
      if (shown.alive || named)
        rows.push_back({name, worker, 0, shown.cpu_percent, shown.cpu_user_ms, shown.cpu_system_ms,
                        shown.rss_bytes, shown.max_rss_bytes});
      continue;
    }
    const auto live = live_.find(name);
    if (live == live_.end()) continue;
    for (const UsageSample& sample : live->second.samples)
      if (sample.wall_ms >= since)
        rows.push_back({name, worker, sample.wall_ms, sample.cpu_percent, sample.cpu_user_ms,
                        sample.cpu_system_ms, sample.rss_bytes, std::nullopt});
  }
  for (const auto& [name, view] : workers_) {
    const auto& operands = request.invocation.operands;
    const bool meant =
        operands.empty() || operands.front() == name || operands.front() == "worker/" + name;
    if (samples || !meant || !is_known(name)) continue;
    rows.push_back({"", name, 0, view.cpu_percent, view.children_user_ms, view.children_system_ms,
                    view.mem_used_bytes, view.children_max_rss_bytes, view.children_reaped});
  }
  out(request.id, show_usage(rows, samples, request.invocation.has("--json")));
}

void Cluster::do_events(Request& request, const Command&, Now) {
  const bool json = request.invocation.has("--json");
  const auto most = static_cast<std::size_t>(request.invocation.number("-n", kEventsShown));
  std::string text;
  for (const ClusterEvent* event : events_.latest(most))
    text += json ? print_as_json(*event) : print_for_people(*event);
  out(request.id, text);
  const std::int64_t older = events_.dropped() + state_.cuts.records;
  if (older > 0 && most >= events_.size())
    note(request.id, std::to_string(older) + " older events are not shown");
  request.follows_events = request.invocation.has("-f");
}

void Cluster::do_describe(Request& request, const Command&, Now now) {
  const std::string& name = request.invocation.operands.front();
  const std::string app = name.starts_with("app/") ? name.substr(4) : name;
  const std::string worker = name.starts_with("worker/") ? name.substr(7) : name;
  const bool is_app = state_.apps.contains(app) && !state_.apps.at(app).current.empty();
  const bool is_worker = is_known(worker) && workers_.contains(worker);
  if (is_app && is_worker)
    return refuse(request, fail(Code::kBadArg, name + " is both an app and a worker: say app/" +
                                                   name + " or worker/" + name));
  if (state_.instances.contains(name)) return describe_instance(request, name, now);
  if (is_app) return describe_app(request, app, now);
  if (is_worker) return describe_worker(request, workers_.at(worker), now);
  refuse(request, no_such("app, instance or worker", name));
}

void Cluster::describe_instance(Request& request, const std::string& name, Now now) {
  const InstanceRow shown = row(name, now);
  if (request.invocation.has("--json")) return out(request.id, show_instances({shown}, now, true));
  const Placement& placement = *shown.placement;
  Description lines = {{"Instance", name}, {"App", placement.app}, {"Version", placement.version}};
  lines.emplace_back("Worker", placement.worker + (placement.pinned ? " (by --on)" : ""));
  lines.emplace_back("State", shown.state);
  lines.emplace_back("Desired", std::string(word(placement.desired)));
  if (!shown.reason.empty()) lines.emplace_back("Reason", shown.reason);
  if (shown.pid) lines.emplace_back("PID", std::to_string(*shown.pid));
  lines.emplace_back("Run", std::to_string(shown.run));
  lines.emplace_back("Restarts",
                     std::to_string(shown.restarts) + " (policy " + placement.restart + ")");
  lines.emplace_back("On lost", placement.on_lost);
  if (placement.lease_ms > 0)
    lines.emplace_back("Singleton", "lease " + print_duration(placement.lease_ms));
  if (!placement.replaces.empty()) lines.emplace_back("Replaces", placement.replaces);
  if (!placement.superseded_by.empty())
    lines.emplace_back("Superseded by", placement.superseded_by);
  if (!placement.quarantined.empty()) lines.emplace_back("Quarantined", placement.quarantined);
  lines.emplace_back("Created", ago(placement.created_ms, now) +
                                    (placement.who.empty() ? "" : " by " + placement.who));
  if (shown.started_ms) lines.emplace_back("Started", ago(*shown.started_ms, now));
  if (shown.ended_ms) lines.emplace_back("Ended", ago(*shown.ended_ms, now));
  if (shown.cpu_user_ms)
    lines.emplace_back("CPU", "user " + std::to_string(*shown.cpu_user_ms) + " ms, system " +
                                  std::to_string(shown.cpu_system_ms.value_or(0)) + " ms");
  if (shown.rss_bytes) lines.emplace_back("RSS", print_bytes(*shown.rss_bytes));
  if (shown.max_rss_bytes) lines.emplace_back("Max RSS", print_bytes(*shown.max_rss_bytes));
  std::string words;
  for (const std::string& arg : placement.args) words += " " + quote_word(arg);
  lines.emplace_back("Arguments", words.empty() ? "none" : words.substr(1));
  for (const std::string& env : placement.env) lines.emplace_back("Environment", env);
  out(request.id, show_description(lines));
  const bool rests = shown.state == "dead" || shown.state == "backoff" || shown.state == "unknown";
  if (rests && tails_.has(name)) read_tail(request, name);
}

void Cluster::describe_app(Request& request, const std::string& name, Now now) {
  const App& app = state_.apps.at(name);
  const auto found = state_.versions.find(app.current);
  const Version version = found == state_.versions.end() ? Version() : found->second;
  const std::vector<std::string> instances = instances_of(name);
  const std::vector<std::string> on(version.installed_on.begin(), version.installed_on.end());
  if (request.invocation.has("--json")) {
    JsonObject object;
    object.add("app", std::string_view(name)).add("version", std::string_view(app.current));
    object.add("registered_at", print_time_utc(version.registered_ms));
    object.add_list("workers", on).add_list("instances", instances);
    return out(request.id, object.print() + "\n");
  }
  Description lines = {{"App", name}, {"Version", app.current}};
  lines.emplace_back("Registered", ago(version.registered_ms, now));
  lines.emplace_back("On workers", on.empty() ? "none" : fold_names(on));
  lines.emplace_back("Instances", instances.empty() ? "none" : fold_names(instances));
  const auto manifest = manifests_.find(app.current);
  const auto files =
      manifest == manifests_.end() ? std::vector<Manifest::File>() : manifest->second.files;
  for (const Manifest::File& file : files)
    lines.emplace_back("File", std::string(word(file.kind)) + " " + file.name + ", " +
                                   print_bytes(file.size) + ", " + file.sha256.substr(0, 12));
  out(request.id, show_description(lines));
}

void Cluster::describe_worker(Request& request, const WorkerView& worker, Now now) {
  if (request.invocation.has("--json")) {
    workers_[worker.name].available = is_available(worker, now, options_.heartbeat_ms);
    return out(request.id, show_workers({&worker}, now, true));
  }
  const auto known = state_.workers.find(worker.name);
  const std::string refused = refusal(worker, now, options_.heartbeat_ms);
  Description lines = {{"Worker", worker.name}, {"State", std::string(word(worker.presence))}};
  lines.emplace_back("Available", refused.empty() ? "yes" : "no: " + refused);
  if (known != state_.workers.end() && !known->second.id.empty())
    lines.emplace_back("Id", known->second.id);
  lines.emplace_back("Address", worker.address.empty() ? "-" : worker.address);
  lines.emplace_back("Last beat", print_duration(now.mono_ms - worker.last_beat_mono_ms) + " ago");
  lines.emplace_back("System", worker.os + " " + worker.arch + ", glibc " + worker.glibc + ", " +
                                   std::to_string(worker.cpus) + " processors");
  lines.emplace_back("dm version", worker.version);
  lines.emplace_back("CPU", percent(worker.cpu_percent) + " %");
  if (worker.mem_total_bytes)
    lines.emplace_back("Memory", print_bytes(worker.mem_used_bytes.value_or(0)) + " of " +
                                     print_bytes(*worker.mem_total_bytes));
  if (worker.disk_free_bytes) lines.emplace_back("Disk free", print_bytes(*worker.disk_free_bytes));
  for (const std::string& label : worker.labels) lines.emplace_back("Label", label);
  std::vector<std::string> here;
  for (const auto& [name, placement] : state_.instances)
    if (placement.worker == worker.name && row(name, now).alive) here.push_back(name);
  lines.emplace_back("Instances", here.empty() ? "none" : fold_names(here));
  std::vector<std::string> foreign;
  for (const auto& [name, state] : worker.foreign) foreign.push_back(name);
  if (!foreign.empty())
    lines.emplace_back("Foreign", fold_names(foreign) + " (unknown to this master, left alone)");
  out(request.id, show_description(lines));
}

void Cluster::do_names(Request& request, const Command&, Now) {
  std::string text;
  for (const auto& [name, known] : state_.workers) text += "worker " + name + "\n";
  for (const auto& [name, app] : state_.apps)
    if (!app.current.empty()) text += "app " + name + "\n";
  for (const auto& [name, placement] : state_.instances) text += "instance " + name + "\n";
  out(request.id, text);
}

void Cluster::do_help(Request& request, const Command&, Now) {
  const auto text = help_text(request.invocation.operands);
  if (!text) return refuse(request, text.error());
  out(request.id, *text);
}

void Cluster::do_version(Request& request, const Command&, Now) {
  std::string text = std::string("dm ") + DM_VERSION + "\n";
  if (options_.insecure) text += kInsecure;
  if (!state_.fence.empty()) text += escape_for_terminal(state_.fence) + "\n";
  if (turned_away_ > 0)
    text += std::to_string(turned_away_) + " peers were turned away since the start\n";
  if (tails_lost_ > 0)
    text += std::to_string(tails_lost_) +
            " ends of logs were not kept: no room here, or not to be had\n";
  out(request.id, std::move(text));
}

// The client leaves by itself; a netcat that says it gets its OK.
void Cluster::do_quit(Request&, const Command&, Now) {}

}  // namespace dm::master
