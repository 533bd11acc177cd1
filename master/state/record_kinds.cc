// What each kind of record does to the state.
#include <algorithm>

#include "common/names.h"
#include "master/state/state.h"

namespace dm::master {
namespace {

std::string key(const Line& record, std::string_view name) {
  return std::string(record.text(name));
}

}  // namespace

struct State::Kind {
  std::string_view verb;
  Status (State::*apply)(const Line&);
};

const State::Kind State::kKinds[] = {
    {"WORKER", &State::on_worker},
    {"FORGET", &State::on_forget},
    {"RENAMED", &State::on_renamed},
    {"REVOKE", &State::on_revoke},
    {"ASKED", &State::on_asked},
    {"COMMAND", &State::on_command},
    {"EVENT", &State::on_event},
    {"CUT", &State::on_cut},
    {"CLUSTER", &State::on_cluster},
    {"EPOCH", &State::on_epoch},
    {"FENCED", &State::on_fenced},
    {"ACKED", &State::on_acked},
    {"LEASED", &State::on_leased},
    {"FORGOTTEN", &State::on_forgotten},
    {"VERSION", &State::on_version},
    {"HEARD", &State::on_heard},
    {"INSTALLING", &State::on_installing},
    {"INSTALLED", &State::on_installed},
    {"UNINSTALLED", &State::on_uninstalled},
    {"DELETING", &State::on_deleting},
    {"DELETED", &State::on_deleted},
    {"APP", &State::on_app},
    {"INSTANCE", &State::on_instance},
    {"ENDED", &State::on_ended},
    {"LAUNCHED", &State::on_launched},
    {"DESIRED", &State::on_desired},
};

Status State::apply(const Line& record) {
  for (const Kind& kind : kKinds)
    if (kind.verb == record.verb()) return (this->*kind.apply)(record);
  return fail(Code::kBadLine, "unknown record " + record.verb());
}

// --- the cluster and its workers ---

Status State::on_worker(const Line& record) {
  know(key(record, "name"), {key(record, "id"), record.number_or("cordoned", 0) != 0,
                             key(record, "identity"), record.number_or("stays", 0)});
  return {};
}

Status State::on_renamed(const Line& record) {
  rename(key(record, "worker"), key(record, "name"), key(record, "id"));
  return {};
}

Status State::on_forget(const Line& record) {
  const std::string name = key(record, "worker");
  if (const auto old = workers.find(name); old != workers.end()) {
    by_id_.erase(old->second.id);
    workers.erase(old);
  }
  deletes.erase(name);
  acknowledged.erase(name);
  for (auto& [sha, version] : versions) {
    version.installed_on.erase(name);
    version.sent_to.erase(name);
  }
  const std::set<std::string> placed = placed_on(name);
  for (const std::string& instance : placed) remove(instances.find(instance));
  std::erase_if(heard, [&](const auto& entry) { return entry.second.worker == name; });
  return {};
}

Status State::on_revoke(const Line& record) {
  const std::string name = key(record, "name");
  generations[name] = record.number_or("generation", 1);
  if (witnesses.erase(name) > 0) fence = witnesses.empty() ? "" : witnesses.begin()->second;
  return {};
}

Status State::on_asked(const Line& record) {
  asked[key(record, "n")] = {record.number_or("at", 0), key(record, "who"), key(record, "from"),
                             key(record, "words")};
  return {};
}

Status State::on_command(const Line& record) {
  asked.erase(key(record, "n"));
  return {};
}

Status State::on_event(const Line&) {
  return {};  // the audit trail
}

Status State::on_cut(const Line& record) {
  cuts = {record.number_or("before", 0), record.number_or("runs", 0),
          record.number_or("records", 0), record.number_or("bytes", 0)};
  return {};
}

Status State::on_cluster(const Line& record) {
  cluster_id = record.text("id");
  return {};
}

Status State::on_epoch(const Line& record) {
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
    witnesses.clear();
  }
  return {};
}

// One of an older version names no worker: only a new epoch ends it.
Status State::on_fenced(const Line& record) {
  witnesses[key(record, "worker")] = key(record, "why");
  fence = witnesses.begin()->second;
  return {};
}

Status State::on_acked(const Line& record) {
  std::int64_t& seq = acknowledged[key(record, "worker")];
  seq = std::max(seq, record.number_or("seq", 0));
  return {};
}

Status State::on_leased(const Line& record) {
  const std::int64_t lease_ms = figure(record, "lease_ms").value_or(0);
  if (lease_ms > 0)
    held[key(record, "instance")] = lease_ms;
  else
    held.erase(key(record, "instance"));
  return {};
}

// --- apps and versions ---

// What is placed anew must not fall to a delete that was asked for before it.
void State::keep(const std::string& worker, const std::string& app) {
  const auto found = deletes.find(worker);
  if (found == deletes.end()) return;
  found->second.erase(app);
  if (found->second.empty()) deletes.erase(found);
}

Status State::on_version(const Line& record) {
  const std::string app = key(record, "app"), manifest = key(record, "manifest");
  if (app.empty() || manifest.empty()) return fail(Code::kBadLine, "record VERSION of no version");
  Version& version = versions[manifest];
  if (!version.app.empty() && version.app != app)  // a manifest names its app
    return fail(Code::kBadLine, "record VERSION of another app's manifest");
  version.app = app;
  version.registered_ms = record.number_or("at", 0);
  apps[app].current = manifest;
  apps[app].next_number = std::max(next_number(app), record.number_or("next", 1));
  heard.erase(app);
  return {};
}

Status State::on_heard(const Line& record) {
  HeardApp& known = heard[key(record, "app")];
  known.worker = key(record, "worker");
  known.next_number = std::max(known.next_number, record.number_or("next", 1));
  return {};
}

Status State::on_installing(const Line& record) {
  const auto version = versions.find(key(record, "manifest"));
  if (version != versions.end()) version->second.sent_to.insert(key(record, "worker"));
  return {};
}

Status State::on_installed(const Line& record) {
  const std::string worker = key(record, "worker");
  keep(worker, key(record, "app"));
  const auto version = versions.find(key(record, "manifest"));
  if (version == versions.end()) return {};  // deleted meanwhile
  version->second.sent_to.insert(worker);
  version->second.installed_on.insert(worker);
  return {};
}

Status State::on_uninstalled(const Line& record) {
  const auto version = versions.find(key(record, "manifest"));
  if (version != versions.end()) version->second.installed_on.erase(key(record, "worker"));
  return {};
}

Status State::on_deleting(const Line& record) {
  const std::string worker = key(record, "worker"), app = key(record, "app");
  if (record.has("withdrawn"))
    keep(worker, app);
  else
    deletes[worker].insert(app);
  return {};
}

Status State::on_deleted(const Line& record) {
  const std::string worker = key(record, "worker"), app = key(record, "app");
  keep(worker, app);
  for (auto& [sha, version] : versions) {
    if (version.app != app) continue;
    version.installed_on.erase(worker);
    const std::vector<std::string> sent = record.all("sent");
    if (std::find(sent.begin(), sent.end(), sha) == sent.end()) version.sent_to.erase(worker);
  }
  const std::set<std::string> placed = placed_on(worker);
  for (const std::string& name : placed)
    if (instances.at(name).app == app) remove(instances.find(name));
  return {};
}

Status State::on_app(const Line& record) {
  const std::string name = key(record, "app"), manifest = key(record, "manifest");
  // The number goes on counting, so that no name is ever used twice.
  App& app = apps[name];
  app.next_number = std::max(app.next_number, record.number_or("next", 1));
  if (!manifest.empty()) app.current = manifest;
  if (record.has("deleted")) {
    app.current.clear();
    std::erase_if(versions, [&](const auto& entry) { return entry.second.app == name; });
  }
  return {};
}

// --- instances ---

template <typename Change>
void State::change(const std::string& name, Change change) {
  const auto found = instances.find(name);
  if (found == instances.end()) return;
  Placement& placement = found->second;
  unindex(name, placement);
  change(placement);
  // How it ended says more than why it was given up.
  if (placement.has_ended()) placement.given_up.clear();
  index(name, placement);
}

Status State::on_instance(const Line& record) {
  const std::string name = key(record, "instance");
  const auto parsed = parse_instance_name(name);
  if (!parsed) return fail(Code::kBadLine, "record INSTANCE of a bad name");
  if (const auto [at, is_new] = instances.try_emplace(name); is_new) index(name, at->second);
  change(name, [&](Placement& placement) {
    const std::int64_t run = placement.run;
    parse_fields(record, placement, placement_fields());
    placement.run = std::max(run, record.number_or("run", 1));
    placement.asked_by = record.text("asked_by", placement.who);
  });
  const Placement& placement = instances.at(name);
  App& app = apps[placement.app];
  app.next_number = std::max(app.next_number, parsed->number + 1);
  keep(placement.worker, placement.app);
  return {};
}

Status State::on_ended(const Line& record) {
  // The seq counts even where the instance is gone: the worker must not send it for ever.
  if (record.has("seq")) (void)on_acked(record);
  change(key(record, "instance"), [&](Placement& placement) {
    RunEnd end = parse_end(record);
    if (placement.last_end && placement.last_end->run > end.run) return;
    placement.run = std::max(placement.run, end.run);
    placement.last_end = std::move(end);
  });
  return {};
}

Status State::on_launched(const Line& record) {
  change(key(record, "instance"), [&](Placement& placement) {
    placement.begun = std::max(placement.begun, record.number_or("run", 1));
    if (placement.begun_ms == 0) placement.begun_ms = figure(record, "at").value_or(0);
  });
  return {};
}

Status State::on_desired(const Line& record) {
  change(key(record, "instance"), [&](Placement& placement) {
    parse_desired(placement, record.text("desired"));
    const bool runs = placement.desired == Desired::kRunning;
    placement.run = std::max(placement.run, record.number_or("run", 0));
    if (const auto kept = figure(record, "kept_run"))
      placement.run = std::max(*kept, placement.last_end ? placement.last_end->run : 0);
    placement.moves = record.number_or("moves", placement.moves);
    if (runs) placement.asked_by = record.text("who");
    for (const auto& [field, text] : {std::pair("superseded_by", &Placement::superseded_by),
                                      std::pair("given_up", &Placement::given_up),
                                      std::pair("quarantined", &Placement::quarantined)})
      if (record.has(field) || runs) placement.*text = record.text(field);
  });
  return {};
}

Status State::on_forgotten(const Line& record) {
  for (const std::string& name : record.all("instance")) remove(instances.find(name));
  return {};
}

}  // namespace dm::master
