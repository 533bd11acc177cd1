#include "master/state/state.h"

#include <algorithm>

#include "common/names.h"

namespace dm::master {
namespace {

constexpr std::int64_t kMostFigure = 1'000'000'000'000'000;
constexpr std::size_t kMostReason = 4096;
constexpr std::size_t kMostSignal = 64;
constexpr std::int64_t kStableMs = 60'000;  // a run that lived as long was no crash

struct DesiredRow {
  Desired desired;
  std::string_view word;
};
constexpr DesiredRow kDesired[] = {
    {Desired::kRunning, "running"}, {Desired::kStopped, "stopped"}, {Desired::kKilled, "killed"}};

Desired desired_from(std::string_view text) {
  for (const DesiredRow& row : kDesired)
    if (row.word == text) return row.desired;
  return Desired::kRunning;
}

std::optional<std::string> text_of(const Line& line, std::string_view key) {
  const auto value = line.get(key);
  return value ? std::optional<std::string>(value->substr(0, kMostSignal)) : std::nullopt;
}

void add_end(Line& line, const RunEnd& end) {
  const auto number = [&](std::string_view key, const std::optional<std::int64_t>& value) {
    if (value) line.add(key, *value);
  };
  number("pid", end.pid);
  number("started_ms", end.started_ms);
  number("ended_ms", end.ended_ms);
  number("exit_code", end.exit_code);
  if (end.signal) line.add("signal", *end.signal);
  line.add("core", end.core ? 1 : 0);
  number("cpu_user_ms", end.cpu_user_ms);
  number("cpu_system_ms", end.cpu_system_ms);
  number("max_rss_bytes", end.max_rss_bytes);
  if (end.crashes > 0) line.add("crashes", end.crashes);
  line.add("reason", end.reason);
}

std::string key(const Line& line, std::string_view name) {
  return std::string(line.text(name));
}

}  // namespace

std::string_view word(Desired desired) {
  for (const DesiredRow& row : kDesired)
    if (row.desired == desired) return row.word;
  return "running";
}

std::optional<std::int64_t> figure(const Line& line, std::string_view key) {
  const auto value = line.number(key);
  return value && *value >= 0 && *value <= kMostFigure ? value : std::nullopt;
}

RunEnd parse_end(const Line& line) {
  RunEnd end;
  end.run = figure(line, "run").value_or(0);
  end.pid = figure(line, "pid");
  end.started_ms = figure(line, "started_ms");
  end.ended_ms = figure(line, "ended_ms");
  end.exit_code = figure(line, "exit_code");
  end.signal = text_of(line, "signal");
  end.core = line.number_or("core", 0) != 0;
  end.reason = line.text("reason").substr(0, kMostReason);
  end.crashes = figure(line, "crashes").value_or(0);
  end.cpu_user_ms = figure(line, "cpu_user_ms");
  end.cpu_system_ms = figure(line, "cpu_system_ms");
  end.max_rss_bytes = figure(line, "max_rss_bytes");
  return end;
}

bool is_revived(const Placement& placement) {
  if (placement.desired != Desired::kRunning) return false;
  const auto& end = placement.last_end;
  return placement.restart == "always" ||
         (placement.restart == "on-failure" && (!end || end->exit_code.value_or(-1) != 0));
}

std::int64_t crashes_with(const Placement& placement, const RunEnd& end) {
  const std::int64_t ended = end.ended_ms.value_or(0);
  if (ended - end.started_ms.value_or(ended) >= kStableMs) return 0;
  // A run that an operator asked for begins the count anew.
  const bool revived = placement.last_end && end.run > placement.run;
  return 1 + (revived ? placement.last_end->crashes : 0);
}

Line print_end(const std::string& instance, const RunEnd& end) {
  Line line("ENDED");
  line.add("instance", instance).add("run", end.run);
  add_end(line, end);
  return line;
}

Line print_placement(const std::string& name, const Placement& placement) {
  Line line("INSTANCE");
  line.add("instance", name).add("app", placement.app).add("manifest", placement.version);
  line.add("worker", placement.worker).add("restart", placement.restart);
  if (placement.log_max_bytes > 0) line.add("log_max_bytes", placement.log_max_bytes);
  line.add("pinned", placement.pinned ? 1 : 0).add("desired", word(placement.desired));
  if (!placement.given_up.empty()) line.add("given_up", placement.given_up);
  if (!placement.quarantined.empty()) line.add("quarantined", placement.quarantined);
  line.add("on_lost", placement.on_lost).add("moves", placement.moves);
  if (placement.lease_ms > 0) line.add("lease_ms", placement.lease_ms);
  for (const std::string& worker : placement.tried) line.add("tried", worker);
  if (!placement.who.empty()) line.add("who", placement.who);
  if (placement.asked_by != placement.who) line.add("asked_by", placement.asked_by);
  if (!placement.replaces.empty()) line.add("replaces", placement.replaces);
  if (!placement.superseded_by.empty()) line.add("superseded_by", placement.superseded_by);
  line.add("run", placement.run).add("begun", placement.begun).add("at", placement.created_ms);
  if (placement.begun_ms > 0) line.add("begun_at", placement.begun_ms);
  for (const std::string& arg : placement.args) line.add("arg", arg);
  for (const std::string& env : placement.env) line.add("env", env);
  return line;
}

Line print_desired(const std::string& instance, Desired desired) {
  Line line("DESIRED");
  return line.add("instance", instance).add("desired", word(desired));
}

Line print_lease(const std::string& instance, std::int64_t lease_ms) {
  return Line("LEASED").add("instance", instance).add("lease_ms", lease_ms);
}

Line print_cuts(const HistoryCuts& cuts) {
  Line line("CUT");
  line.add("before", cuts.before).add("runs", cuts.runs).add("records", cuts.records);
  return line.add("bytes", cuts.bytes);
}

Line print_asked(const std::string& number, const AskedCommand& command) {
  Line line("ASKED");
  line.add("n", number).add("at", command.wall_ms);
  return line.add("who", command.who).add("from", command.from).add("words", command.words);
}

Status State::apply(const Line& record) {
  const std::string& verb = record.verb();
  if (verb == "WORKER") {
    workers[key(record, "name")] = {key(record, "id"), record.number_or("cordoned", 0) != 0};
  } else if (verb == "FORGET") {
    const std::string name = key(record, "worker");
    workers.erase(name);
    deletes.erase(name);
    acknowledged.erase(name);
    for (auto& [sha, version] : versions) {
      version.installed_on.erase(name);
      version.sent_to.erase(name);
    }
    const std::set<std::string> placed = placed_on(name);
    for (const std::string& instance : placed) remove(instances.find(instance));
    std::erase_if(heard, [&](const auto& entry) { return entry.second.worker == name; });
  } else if (verb == "REVOKE") {
    generations[key(record, "name")] = record.number_or("generation", 1);
  } else if (verb == "ASKED") {
    asked[key(record, "n")] = {record.number_or("at", 0), key(record, "who"), key(record, "from"),
                               key(record, "words")};
  } else if (verb == "COMMAND") {
    asked.erase(key(record, "n"));
  } else if (verb == "EVENT") {
    return {};  // the audit trail
  } else if (verb == "CUT") {
    cuts = {record.number_or("before", 0), record.number_or("runs", 0),
            record.number_or("records", 0), record.number_or("bytes", 0)};
  } else if (verb == "CLUSTER") {
    cluster_id = record.text("id");
  } else if (verb == "EPOCH") {
    const std::int64_t number = record.number_or("number", 0);
    if (number < 1) return fail(Code::kBadLine, "record EPOCH of no number");
    epochs[number] = record.text("id");
    if (number >= epoch_number) {
      epoch_number = number;
      epoch_id = record.text("id");
    }
    if (epochs.size() > kMostEpochs) epochs.erase(epochs.begin());
    if (record.has("new")) {
      any_epoch_below = epoch_number;
      fence.clear();
    }
  } else if (verb == "FENCED") {
    fence = record.text("why");
  } else if (verb == "ACKED") {
    acknowledge(record);
  } else if (verb == "LEASED") {
    hold(record);
  } else if (verb == "FORGOTTEN") {
    for (const std::string& name : record.all("instance")) remove(instances.find(name));
  } else if (record.has("instance")) {
    return apply_instance(record);
  } else {
    return apply_app(record);
  }
  return {};
}

void State::acknowledge(const Line& record) {
  std::int64_t& seq = acknowledged[key(record, "worker")];
  seq = std::max(seq, record.number_or("seq", 0));
}

void State::hold(const Line& record) {
  const std::int64_t lease_ms = figure(record, "lease_ms").value_or(0);
  if (lease_ms > 0)
    held[key(record, "instance")] = lease_ms;
  else
    held.erase(key(record, "instance"));
}

// What is placed anew must not fall to a delete that was asked for before it.
void State::keep(const std::string& worker, const std::string& app) {
  const auto found = deletes.find(worker);
  if (found == deletes.end()) return;
  found->second.erase(app);
  if (found->second.empty()) deletes.erase(found);
}

Status State::apply_app(const Line& record) {
  const std::string& verb = record.verb();
  const std::string app = key(record, "app"), manifest = key(record, "manifest");
  if (verb == "VERSION") {
    if (app.empty() || manifest.empty())
      return fail(Code::kBadLine, "record VERSION of no version");
    Version& version = versions[manifest];
    if (!version.app.empty() && version.app != app)  // a manifest names its app
      return fail(Code::kBadLine, "record VERSION of another app's manifest");
    version.app = app;
    version.registered_ms = record.number_or("at", 0);
    apps[app].current = manifest;
    apps[app].next_number = std::max(next_number(app), record.number_or("next", 1));
    heard.erase(app);
  } else if (verb == "HEARD") {
    HeardApp& known = heard[app];
    known.worker = key(record, "worker");
    known.next_number = std::max(known.next_number, record.number_or("next", 1));
  } else if (verb == "INSTALLING" || verb == "INSTALLED") {
    const std::string worker = key(record, "worker");
    if (verb == "INSTALLED") keep(worker, app);
    const auto version = versions.find(manifest);
    if (version == versions.end()) return {};  // deleted meanwhile
    version->second.sent_to.insert(worker);
    if (verb == "INSTALLED") version->second.installed_on.insert(worker);
  } else if (verb == "UNINSTALLED") {
    const auto version = versions.find(manifest);
    if (version != versions.end()) version->second.installed_on.erase(key(record, "worker"));
  } else if (verb == "DELETING") {
    const std::string worker = key(record, "worker");
    if (record.has("withdrawn"))
      keep(worker, app);
    else
      deletes[worker].insert(app);
  } else if (verb == "DELETED") {
    const std::string worker = key(record, "worker");
    keep(worker, app);
    for (auto& [sha, version] : versions) {
      if (version.app != app) continue;
      version.installed_on.erase(worker);
      version.sent_to.erase(worker);
    }
    const std::set<std::string> placed = placed_on(worker);
    for (const std::string& name : placed)
      if (instances.at(name).app == app) remove(instances.find(name));
  } else if (verb == "APP") {
    // The number goes on counting, so that no name is ever used twice.
    apps[app].next_number = std::max(apps[app].next_number, record.number_or("next", 1));
    if (!manifest.empty()) apps[app].current = manifest;
    if (record.has("deleted")) {
      apps[app].current.clear();
      std::erase_if(versions, [&](const auto& entry) { return entry.second.app == app; });
    }
  } else {
    return fail(Code::kBadLine, "unknown record " + verb);
  }
  return {};
}

Status State::apply_instance(const Line& record) {
  const std::string& verb = record.verb();
  const std::string name = key(record, "instance");
  if (verb == "INSTANCE") {
    if (auto placed = place(name, record); !placed) return placed;
  } else if (verb != "ENDED" && verb != "LAUNCHED" && verb != "DESIRED") {
    return fail(Code::kBadLine, "unknown record " + verb);
  }
  // The seq counts even where the instance is gone: the worker must not send it for ever.
  if (verb == "ENDED" && record.has("seq")) acknowledge(record);
  const auto found = instances.find(name);
  if (found == instances.end()) return {};
  Placement& placement = found->second;
  unindex(name, placement);
  change(placement, record);
  // How it ended says more than why it was given up.
  if (placement.has_ended()) placement.given_up.clear();
  index(name, placement);
  return {};
}

void State::change(Placement& placement, const Line& record) {
  const std::string& verb = record.verb();
  if (verb == "ENDED") {
    RunEnd end = parse_end(record);
    if (placement.last_end && placement.last_end->run > end.run) return;
    placement.run = std::max(placement.run, end.run);
    placement.last_end = std::move(end);
  } else if (verb == "LAUNCHED") {
    placement.begun = std::max(placement.begun, record.number_or("run", 1));
    if (placement.begun_ms == 0) placement.begun_ms = figure(record, "at").value_or(0);
  } else if (verb == "DESIRED") {
    placement.desired = desired_from(record.text("desired"));
    placement.run = std::max(placement.run, record.number_or("run", 0));
    placement.moves = record.number_or("moves", placement.moves);
    if (placement.desired == Desired::kRunning) placement.asked_by = record.text("who");
    for (const auto& [field, text] : {std::pair("superseded_by", &Placement::superseded_by),
                                      std::pair("given_up", &Placement::given_up),
                                      std::pair("quarantined", &Placement::quarantined)})
      if (record.has(field) || placement.desired == Desired::kRunning)
        placement.*text = record.text(field);
  }
}

Status State::place(const std::string& name, const Line& record) {
  const auto parsed = parse_instance_name(name);
  if (!parsed) return fail(Code::kBadLine, "record INSTANCE of a bad name");
  Placement& placement = instances[name];
  unindex(name, placement);
  placement.app = key(record, "app");
  placement.version = key(record, "manifest");
  placement.worker = key(record, "worker");
  placement.args = record.all("arg");
  placement.env = record.all("env");
  placement.restart = record.text("restart", "no");
  placement.log_max_bytes = figure(record, "log_max_bytes").value_or(0);
  placement.pinned = record.number_or("pinned", 0) != 0;
  placement.on_lost = record.text("on_lost", "stay");
  placement.who = record.text("who");
  placement.asked_by = record.text("asked_by", placement.who);
  placement.replaces = record.text("replaces");
  placement.superseded_by = record.text("superseded_by");
  placement.moves = record.number_or("moves", 0);
  placement.lease_ms = figure(record, "lease_ms").value_or(0);
  placement.tried = record.all("tried");
  placement.desired = desired_from(record.text("desired"));
  placement.given_up = record.text("given_up");
  placement.quarantined = record.text("quarantined");
  placement.run = std::max(placement.run, record.number_or("run", 1));
  placement.begun = record.number_or("begun", 0);
  placement.begun_ms = figure(record, "begun_at").value_or(0);
  placement.created_ms = record.number_or("at", 0);
  App& app = apps[placement.app];
  app.next_number = std::max(app.next_number, parsed->number + 1);
  keep(placement.worker, placement.app);
  index(name, placement);
  return {};
}

void State::index(const std::string& name, const Placement& placement) {
  by_worker_[placement.worker].insert(name);
  if (placement.lease_ms > 0) singletons_[placement.app].insert(name);
  if (placement.has_ended())
    ended_[placement.app].emplace(placement.last_end->ended_ms.value_or(0), name);
}

void State::unindex(const std::string& name, const Placement& placement) {
  const auto take = [](auto& index, const std::string& key, const auto& member) {
    const auto found = index.find(key);
    if (found == index.end()) return;
    found->second.erase(member);
    if (found->second.empty()) index.erase(found);
  };
  take(by_worker_, placement.worker, name);
  take(singletons_, placement.app, name);
  if (placement.has_ended())
    take(ended_, placement.app, std::pair(placement.last_end->ended_ms.value_or(0), name));
}

State::Instances::iterator State::remove(Instances::iterator at) {
  if (at == instances.end()) return at;
  unindex(at->first, at->second);
  return instances.erase(at);
}

namespace {
const std::set<std::string> kNone;

const std::set<std::string>& members(const std::map<std::string, std::set<std::string>>& index,
                                     const std::string& key) {
  const auto found = index.find(key);
  return found == index.end() ? kNone : found->second;
}
}  // namespace

const std::set<std::string>& State::placed_on(const std::string& worker) const {
  return members(by_worker_, worker);
}

const std::set<std::string>& State::singletons_of(const std::string& app) const {
  return members(singletons_, app);
}

std::vector<std::string> State::instances_of(const std::string& app) const {
  // No app's name holds a dot, so its instances stand together.
  const std::string prefix = app + ".";
  std::vector<std::pair<std::int64_t, std::string>> numbered;
  for (auto at = instances.lower_bound(prefix);
       at != instances.end() && at->first.starts_with(prefix); ++at)
    numbered.emplace_back(parse_instance_name(at->first)->number, at->first);
  std::sort(numbered.begin(), numbered.end());
  std::vector<std::string> names;
  for (auto& [number, name] : numbered) names.push_back(std::move(name));
  return names;
}

std::int64_t State::next_number(const std::string& app) const {
  const auto known = apps.find(app);
  const auto told = heard.find(app);
  return std::max<std::int64_t>(known == apps.end() ? 1 : known->second.next_number,
                                told == heard.end() ? 1 : told->second.next_number);
}

Result<std::string> State::next_name(const std::string& app) const {
  const std::int64_t number = next_number(app);
  if (number <= kMaxInstanceNumber) return app + "." + std::to_string(number);
  return fail(Code::kExists, app + " has used up its numbers, " +
                                 std::to_string(kMaxInstanceNumber) +
                                 " was the last: copy it under another name (--as)");
}

std::int64_t State::least_generation(const std::string& name) const {
  const auto found = generations.find(name);
  return found == generations.end() ? 1 : found->second;
}

bool State::knows_epoch(std::string_view epoch) const {
  const std::size_t dash = epoch.find('-');
  const auto number = parse_integer(epoch.substr(0, dash));
  if (!number || dash == std::string_view::npos) return false;
  if (*number < any_epoch_below) return true;
  // Too long ago to be kept: a worker that slept through a thousand starts is believed.
  if (!epochs.empty() && epochs.size() == kMostEpochs && *number < epochs.begin()->first)
    return true;
  const auto found = epochs.find(*number);
  return found != epochs.end() && found->second == epoch.substr(dash + 1);
}

}  // namespace dm::master
