#include "master/view/describe.h"

#include <algorithm>
#include <vector>

#include "common/json.h"
#include "common/names.h"
#include "common/shell_words.h"
#include "common/units.h"
#include "master/decide/phase.h"
#include "master/decide/placement.h"
#include "master/view/views.h"

namespace dm::master {
namespace {

std::string ago(std::int64_t wall_ms, Now now) {
  return print_time_utc(wall_ms) + " (" +
         print_duration(std::max<std::int64_t>(now.wall_ms - wall_ms, 0)) + " ago)";
}

}  // namespace

std::string describe_instance(const InstanceRow& shown, Now now) {
  const std::string& name = shown.name;
  const Placement& placement = *shown.placement;
  Description lines = {{"Instance", name}, {"App", placement.app}, {"Version", placement.version}};
  lines.emplace_back("Worker", placement.worker + (placement.pinned ? " (by --on)" : ""));
  lines.emplace_back("State", shown.state);
  lines.emplace_back("Desired", std::string(word(placement.desired)));
  if (!shown.reason.empty()) lines.emplace_back("Reason", shown.reason);
  if (shown.pid) lines.emplace_back("PID", std::to_string(*shown.pid));
  lines.emplace_back("Run", std::to_string(shown.run));
  lines.emplace_back("Restarts", std::to_string(shown.restarts) + " (policy " +
                                     std::string(word(placement.restart)) + ")");
  lines.emplace_back("On lost", std::string(word(placement.on_lost)));
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
  return show_description(lines);
}

std::string describe_app(const Facts& facts, const std::string& name, const Manifest* manifest,
                         Now now, bool json) {
  const State& state = facts.state;
  const auto files = manifest == nullptr ? std::vector<Manifest::File>() : manifest->files;
  const App& app = state.apps.at(name);
  const auto found = state.versions.find(app.current);
  const Version version = found == state.versions.end() ? Version() : found->second;
  const std::vector<std::string> instances = state.instances_of(name);
  const std::vector<std::string> on(version.installed_on.begin(), version.installed_on.end());
  if (json) {
    JsonObject object;
    object.add("app", std::string_view(name)).add("version", std::string_view(app.current));
    object.add("registered_at", print_time_utc(version.registered_ms));
    object.add_list("workers", on).add_list("instances", instances);
    std::vector<std::string> names;
    for (const Manifest::File& file : files) names.push_back(file.name);
    object.add_list("files", names);
    return object.print() + "\n";
  }
  Description lines = {{"App", name}, {"Version", app.current}};
  lines.emplace_back("Registered", ago(version.registered_ms, now));
  lines.emplace_back("On workers", on.empty() ? "none" : fold_names(on));
  lines.emplace_back("Instances", instances.empty() ? "none" : fold_names(instances));
  for (const Manifest::File& file : files)
    lines.emplace_back("File", std::string(word(file.kind)) + " " + file.name + ", " +
                                   print_bytes(file.size) + ", " + file.sha256.substr(0, 12));
  return show_description(lines);
}

std::string describe_worker(const Facts& facts, const std::string& worker_name,
                            std::int64_t heartbeat_ms, Now now, bool json) {
  const State& state = facts.state;
  const WorkerView& worker = *facts.roster.find(worker_name);
  const auto known = state.workers.find(worker.name);
  const std::string id = known == state.workers.end() ? "" : known->second.id;
  const std::string refused = refusal(worker, now, heartbeat_ms);
  std::vector<std::string> here, foreign;
  for (const std::string& name : state.placed_on(worker.name))
    if (phase_of(facts, name).alive) here.push_back(name);
  for (const auto& [name, unrecorded] : worker.foreign) foreign.push_back(name);
  if (json) {
    return worker_details({&worker, refused.empty()}, now, {id, refused, here, foreign});
  }
  Description lines = {{"Worker", worker.name}, {"State", std::string(word(worker.presence))}};
  lines.emplace_back("Available", refused.empty() ? "yes" : "no: " + refused);
  if (!id.empty()) lines.emplace_back("Id", id);
  lines.emplace_back("Address", worker.address.empty() ? "-" : worker.address);
  lines.emplace_back("Last beat", print_duration(now.mono_ms - worker.last_beat_mono_ms) + " ago");
  if (!worker.os.empty())
    lines.emplace_back("System", worker.os + " " + worker.arch + ", glibc " + worker.glibc + ", " +
                                     std::to_string(worker.cpus) + " processors");
  lines.emplace_back("dm version", worker.version);
  lines.emplace_back("CPU", percent(worker.cpu_percent) + " %");
  if (worker.mem_total_bytes)
    lines.emplace_back("Memory", print_bytes(worker.mem_used_bytes.value_or(0)) + " of " +
                                     print_bytes(*worker.mem_total_bytes));
  if (worker.disk_free_bytes) lines.emplace_back("Disk free", print_bytes(*worker.disk_free_bytes));
  for (const std::string& label : worker.labels) lines.emplace_back("Label", label);
  lines.emplace_back("Instances", here.empty() ? "none" : fold_names(here));
  if (!foreign.empty())
    lines.emplace_back("Foreign", fold_names(foreign) + " (unknown to this master, left alone)");
  return show_description(lines);
}

}  // namespace dm::master
