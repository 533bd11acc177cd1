// The commands that only look.
#include <algorithm>

#include "common/escape.h"
#include "common/json.h"
#include "common/names.h"
#include "common/shell_words.h"
#include "common/units.h"
#include "master/core/cluster.h"
#include "master/view/views.h"

namespace dm::master {
namespace {

constexpr std::int64_t kEventsShown = 20;
constexpr std::string_view kInsecure = "insecure: no secret, loopback only\n";

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
  if (!state_.fence.empty()) note(request.id, state_.fence);
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
