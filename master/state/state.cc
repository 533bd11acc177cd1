#include "master/state/state.h"

#include <algorithm>

#include "common/names.h"

namespace dm::master {
namespace {

bool runs(const Placement& placement) {
  return placement.desired == Desired::kRunning && !placement.has_ended();
}

}  // namespace

Line print_worker(const std::string& name, const KnownWorker& worker) {
  Line line("WORKER");
  line.add("name", name).add("id", worker.id).add("cordoned", worker.cordoned ? 1 : 0);
  if (!worker.identity.empty()) line.add("identity", worker.identity);
  if (worker.stays_since_ms > 0) line.add("stays", worker.stays_since_ms);
  return line;
}

Line print_rename(const std::string& from, const std::string& to, const KnownWorker& worker) {
  return Line("RENAMED").add("worker", from).add("name", to).add("id", worker.id);
}

Line print_end(const std::string& instance, const RunEnd& end) {
  Line line("ENDED");
  line.add("instance", instance);
  print_fields(line, end, run_end_fields());
  return line;
}

Line print_placement(const std::string& name, const Placement& placement) {
  Line line("INSTANCE");
  line.add("instance", name);
  print_fields(line, placement, placement_fields());
  if (placement.asked_by != placement.who) line.add("asked_by", placement.asked_by);
  return line;
}

Line print_desired(const std::string& instance, Desired desired) {
  Line line("DESIRED");
  return line.add("instance", instance).add("desired", word(desired));
}

Line print_kept_run(const std::string& instance, Desired desired, std::int64_t run) {
  return print_desired(instance, desired).add("kept_run", run);
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

void State::know(const std::string& name, KnownWorker worker) {
  if (const auto old = workers.find(name); old != workers.end()) by_id_.erase(old->second.id);
  if (!worker.id.empty()) by_id_[worker.id] = name;
  workers[name] = std::move(worker);
}

// Whatever is known of the worker is known of it under its new name. The id makes sure that a
// record that is replayed onto a later state does not take another worker, which has the old name
// by then, for this one.
void State::rename(const std::string& from, const std::string& to, const std::string& id) {
  const auto old = workers.find(from);
  if (old == workers.end() || old->second.id != id || from == to) return;
  KnownWorker worker = old->second;
  workers.erase(old);
  know(to, std::move(worker));
  const auto move_entry = [&](auto& map) {
    if (auto node = map.extract(from)) {
      node.key() = to;
      map.erase(to);
      map.insert(std::move(node));
    }
  };
  move_entry(deletes);
  move_entry(acknowledged);
  move_entry(witnesses);
  const auto move_member = [&](auto& set) {
    if (set.erase(from) > 0) set.insert(to);
  };
  for (auto& [sha, version] : versions) {
    move_member(version.installed_on);
    move_member(version.sent_to);
  }
  for (auto& [app, known] : heard)
    if (known.worker == from) known.worker = to;
  const std::set<std::string> placed = placed_on(from);
  for (const std::string& name : placed) {
    Placement& placement = instances.at(name);
    unindex(name, placement);
    placement.worker = to;
    index(name, placement);
  }
  for (auto& [name, placement] : instances)
    std::replace(placement.tried.begin(), placement.tried.end(), from, to);
}

void State::index(const std::string& name, const Placement& placement) {
  by_worker_[placement.worker].insert(name);
  if (placement.lease_ms > 0) singletons_[placement.app].insert(name);
  if (runs(placement)) ++running_[placement.worker];
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
  if (runs(placement))
    if (const auto count = running_.find(placement.worker); count != running_.end())
      if (--count->second == 0) running_.erase(count);
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

std::string State::worker_with(const std::string& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? "" : found->second;
}

std::int64_t State::running_on(const std::string& worker) const {
  const auto found = running_.find(worker);
  return found == running_.end() ? 0 : found->second;
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
