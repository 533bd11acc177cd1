#include "master/state/state.h"

#include <algorithm>

#include "common/names.h"

namespace dm::master {

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
