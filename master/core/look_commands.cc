#include "master/core/look_commands.h"

#include <utility>

#include "common/escape.h"
#include "common/names.h"
#include "common/shell_words.h"
#include "common/units.h"
#include "master/decide/placement.h"
#include "master/view/describe.h"
#include "master/view/views.h"

namespace dm::master {
namespace {

constexpr std::int64_t kEventsShown = 20;
constexpr std::string_view kInsecure = "insecure: no secret, loopback only";
constexpr std::size_t kMostEventBytes = 8 * 1024 * 1024;  // of one answer: what a queue holds

// What a viewer may see: arguments and the values of variables may be secrets.
Placement without_secrets(Placement placement) {
  for (std::string& arg : placement.args) arg = "...";
  for (std::string& variable : placement.env) variable = hide_value(variable);
  return placement;
}

}  // namespace

void LookCommands::workers(Request& request, Now now) {
  std::vector<WorkerRow> rows;
  for (const auto& [name, view] : facts_.roster.all())
    if (state_.knows_worker(name))
      rows.push_back({&view, is_available(view, now, options_.heartbeat_ms)});
  const bool json = request.invocation.has("--json");
  std::string text = show_workers(rows, now, json);
  if (options_.insecure && !json) requests_.note(request.id, std::string(kInsecure));
  if (!state_.fence.empty()) requests_.note(request.id, state_.fence);
  requests_.out(request.id, std::move(text));
}

void LookCommands::ps(Request& request, Now now) {
  const auto names = lookup_.listing(request.invocation);
  if (!names) return requests_.refuse(request, names.error());
  const auto& operands = request.invocation.operands;
  std::vector<InstanceRow> rows;
  for (const std::string& name : *names) {
    InstanceRow shown = row_of(facts_, name, now);
    // An instance that is named is shown, dead or not.
    const bool named = !operands.empty() && operands.front() == name;
    if (shown.state != "dead" || named || request.invocation.has("--all"))
      rows.push_back(std::move(shown));
  }
  const std::deque<Placement> places = add_foreign(rows, request.invocation);
  if (!state_.fence.empty()) requests_.note(request.id, state_.fence);
  requests_.out(request.id, show_instances(rows, now, request.invocation.has("--json")));
}

// What workers run that is not ours, behind what is. The rows point into what is returned.
std::deque<Placement> LookCommands::add_foreign(std::vector<InstanceRow>& rows,
                                                const Invocation& invocation) const {
  std::deque<Placement> places;
  const std::string asked = invocation.operands.empty() ? "all" : invocation.operands.front();
  for (const auto& [worker, view] : facts_.roster.all()) {
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

void LookCommands::usage(Request& request, Now now) {
  const auto names = lookup_.listing(request.invocation);
  if (!names) return requests_.refuse(request, names.error());
  const bool samples = request.invocation.has("--since");
  const std::int64_t since =
      now.wall_ms - (samples ? request.invocation.ago_ms("--since", now.wall_ms) : 0);
  std::vector<UsageRow> rows;
  for (const std::string& name : *names) {
    const InstanceRow shown = row_of(facts_, name, now);
    const std::string& worker = shown.placement->worker;
    if (!samples) {
      const bool named = !request.invocation.operands.empty();
      if (shown.alive || named)
        rows.push_back({name, worker, 0, shown.cpu_percent, shown.cpu_user_ms, shown.cpu_system_ms,
                        shown.rss_bytes, shown.max_rss_bytes});
      continue;
    }
    const Live* live = facts_.reports.find(name);
    if (live == nullptr) continue;
    for (const UsageSample& sample : live->samples)
      if (sample.wall_s * std::int64_t{1000} >= since)
        rows.push_back({name, worker, sample.wall_s * std::int64_t{1000}, sample.cpu_percent,
                        sample.cpu_user_cs * std::int64_t{10},
                        sample.cpu_system_cs * std::int64_t{10},
                        sample.rss_kib * std::int64_t{1024}, std::nullopt});
  }
  for (const auto& [name, view] : facts_.roster.all()) {
    const auto& operands = request.invocation.operands;
    const bool meant =
        operands.empty() || operands.front() == name || operands.front() == "worker/" + name;
    if (samples || !meant || !state_.knows_worker(name)) continue;
    rows.push_back({"", name, 0, view.cpu_percent, view.children_user_ms, view.children_system_ms,
                    view.mem_used_bytes, view.children_max_rss_bytes, view.children_reaped});
  }
  requests_.out(request.id, show_usage(rows, samples, request.invocation.has("--json")));
}

void LookCommands::events(Request& request) {
  const bool json = request.invocation.has("--json");
  const auto most = static_cast<std::size_t>(request.invocation.number("-n", kEventsShown));
  // The newest first: the answer must fit what waits for one reader.
  const auto latest = recorder_.events().latest(most);
  std::vector<std::string> lines;
  std::size_t bytes = 0;
  for (auto event = latest.rbegin(); event != latest.rend(); ++event) {
    lines.push_back(json ? print_as_json(**event) : print_for_people(**event));
    bytes += lines.back().size();
    if (bytes <= kMostEventBytes) continue;
    lines.pop_back();
    break;
  }
  std::string text;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) text += *line;
  requests_.out(request.id, text);
  auto older = static_cast<std::int64_t>(latest.size() - lines.size());
  if (most >= recorder_.events().size())
    older += recorder_.events().dropped() + state_.cuts.records;
  if (older > 0) requests_.note(request.id, std::to_string(older) + " older events are not shown");
  request.follows_events = request.invocation.has("-f");
}

void LookCommands::names(Request& request) {
  std::string text;
  for (const auto& [name, known] : state_.workers) text += "worker " + name + "\n";
  for (const auto& [name, app] : state_.apps)
    if (!app.current.empty()) text += "app " + name + "\n";
  for (const auto& [name, placement] : state_.instances) text += "instance " + name + "\n";
  requests_.out(request.id, text);
}

void LookCommands::help(Request& request) {
  const auto text = help_text(request.invocation.operands);
  if (!text) return requests_.refuse(request, text.error());
  requests_.out(request.id, *text);
}

void LookCommands::version(Request& request) {
  std::string text = std::string("dm ") + DM_VERSION + "\n";
  if (options_.insecure) text += std::string(kInsecure) + "\n";
  if (!state_.fence.empty()) text += escape_for_terminal(state_.fence) + "\n";
  if (peers_.count() > 0)
    text += std::to_string(peers_.count()) + " peers were turned away since the start\n";
  if (tails_.lost() > 0)
    text += std::to_string(tails_.lost()) +
            " ends of logs were not kept: no room here, or not to be had\n";
  requests_.out(request.id, std::move(text));
}

void LookCommands::describe(Request& request, Now now) {
  if (!state_.fence.empty()) requests_.note(request.id, state_.fence);
  const std::string& name = request.invocation.operands.front();
  const std::string app = name.starts_with("app/") ? name.substr(4) : name;
  const std::string worker = name.starts_with("worker/") ? name.substr(7) : name;
  const bool is_app = state_.apps.contains(app) && !state_.apps.at(app).current.empty();
  const bool is_worker = state_.knows_worker(worker) && facts_.roster.find(worker) != nullptr;
  if (is_app && is_worker)
    return requests_.refuse(
        request, fail(Code::kBadArg, name + " is both an app and a worker: say app/" + name +
                                         " or worker/" + name));
  const bool json = request.invocation.has("--json");
  if (state_.instances.contains(name)) {
    InstanceRow row = row_of(facts_, name, now);
    const Placement placement =
        request.asker.role == Role::kViewer ? without_secrets(*row.placement) : *row.placement;
    row.placement = &placement;
    requests_.out(request.id, json ? instance_details(row) : describe_instance(row, now));
    const bool rests = row.state == "dead" || row.state == "backoff" || row.state == "unknown";
    if (!json && rests && tails_.has(name)) logs_.read_tail(request, name);
  } else if (is_app) {
    const Manifest* manifest = catalog_.find(state_.apps.at(app).current);
    requests_.out(request.id, describe_app(facts_, app, manifest, now, json));
  } else if (is_worker) {
    requests_.out(request.id, describe_worker(facts_, worker, options_.heartbeat_ms, now, json));
  } else {
    requests_.refuse(request, lookup_.no_such("app, instance or worker", name));
  }
}

void LookCommands::history(Request& request, Now now) {
  const Invocation& asked = request.invocation;
  HistoryFilter filter;
  if (!asked.operands.empty() && asked.operands.front() != "all") {
    filter.name = asked.operands.front();
    if (filter.name.starts_with("app/")) filter.name = filter.name.substr(4);
  }
  if (asked.has("--since"))
    filter.since_wall_ms = now.wall_ms - asked.ago_ms("--since", now.wall_ms);
  filter.most = asked.number("-n", filter.most);
  filter.json = asked.has("--json");
  request.tried = request.waiting = 1;
  filter.from = state_.cuts.before;
  out_.push_back(ReadHistory{request.id, std::move(filter), state_.cuts.runs});
}

void LookCommands::handle(const HistoryRead& read, Now now) {
  Request* request = requests_.find(read.request);
  if (request == nullptr) return;
  const auto count = [](std::int64_t number, std::string_view what) {
    return std::to_string(number) + " " + std::string(what) + (number == 1 ? "" : "s");
  };
  if (read.cut_runs > 0)
    requests_.note(read.request, count(read.cut_runs, "older run") + " were cut (--history-max " +
                                     print_bytes(options_.history_max_bytes) + ")");
  if (read.older > 0)
    requests_.note(read.request,
                   count(read.older, "older run") +
                       " are too many for one answer; name an app, or give -n or --since");
  if (read.damaged > 0 || read.unreadable > 0)
    requests_.note(read.request, "the history is damaged: " + count(read.damaged, "line") +
                                     " and " + count(read.unreadable, "file") +
                                     " could not be read");
  std::optional<Error> error;
  std::string name =
      request->invocation.operands.empty() ? "all" : request->invocation.operands.front();
  if (name.starts_with("app/")) name = name.substr(4);
  const bool known = name == "all" || state_.instances.contains(name) || state_.apps.contains(name);
  if (read.rows == 0 && !known) error = lookup_.no_such("app or instance", name);
  if (!error) requests_.out(read.request, read.text);
  requests_.done_one(read.request, "history", error, now);
}

void LookCommands::failover(Request& request, Now now) {
  requests_.out_line(request.id, failover_.describe(now));
}

}  // namespace dm::master
