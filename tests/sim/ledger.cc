#include "tests/sim/ledger.h"

#include <algorithm>

namespace dm::sim {
namespace {

std::string print(const RunKey& key) {
  return key.instance + " run " + std::to_string(key.run);
}

}  // namespace

std::string app_of(const std::string& instance) {
  return instance.substr(0, instance.find('.'));
}

void Ledger::began(int worker, const RunKey& key) {
  ++runs_;
  if (is_stray(key.instance)) {
    living_[key] = worker;
    return;
  }
  Fate& fate = fates_[key.instance];
  // A restart by policy is recorded lazily: the machine's death may take the record and the
  // process together, and the number is then used again. A launch is never that.
  const bool may_repeat = fate.is_fallible();
  SIM_CHECK(timeline_, may_repeat || !begun_.contains(key), print(key) + " is spawned twice");
  ++fate.begun;
  SIM_CHECK(timeline_, fate.restart != "no" || fate.begun <= fate.starts,
            print(key) + ": an instance with --restart no runs again by itself");
  SIM_CHECK(timeline_, !fate.must_rest, print(key) + " runs after OK of its stop");
  SIM_CHECK(timeline_, !is_deleted(app_of(key.instance)), print(key) + " runs after its delete");
  for (const auto& [other, place] : living_) {
    if (is_stray(other.instance)) continue;
    const bool must_be_one = fate.singleton && fates_[other.instance].singleton;
    SIM_CHECK(timeline_, !must_be_one || app_of(other.instance) != app_of(key.instance),
              print(key) + " begins while the singleton " + print(other) + " lives");
    SIM_CHECK(timeline_, other.instance != key.instance,
              print(key) + " begins while " + print(other) + " lives");
  }
  ++begun_[key];
  living_[key] = worker;
}

void Ledger::ended(int worker, const RunKey& key) {
  if (!is_stray(key.instance) && !fates_[key.instance].is_fallible()) unreported_[key] = worker;
}

void Ledger::tree_ended(int, const RunKey& key) {
  living_.erase(key);
}

void Ledger::host_died(int worker) {
  std::erase_if(living_, [&](const auto& entry) { return entry.second == worker; });
  std::erase_if(unreported_, [&](const auto& entry) { return entry.second == worker; });
  for (auto& [name, fate] : fates_)
    if (fate.worker == worker) fate.host_died = true;
}

void Ledger::decided(const Line& record) {
  if (record.verb() != "FORGOTTEN") return;
  for (const std::string& name : record.all("instance")) forgotten_.insert(name);
}

void Ledger::durable(const Line& record) {
  if (record.verb() == "INSTANCE") name_again(std::string(record.text("instance")));
  note_placement(record);
  note_forgotten(record);
  if (record.verb() != "ENDED" || !record.has("seq")) return;
  const RunKey key{std::string(record.text("instance")), record.number_or("run", 0)};
  unreported_.erase(key);
  if (is_stray(key.instance)) return;
  // A number that came again after a power failure may have an end for each try that had it.
  // Where the clock went back as well, nobody can tell such a try from one told again.
  const Fate& fate = fates_[key.instance];
  const bool is_doubtful = fate.is_fallible() && strange_clocks_.contains(fate.worker);
  SIM_CHECK(timeline_, ++reported_[key] <= std::max(1, tried_[key]) || is_doubtful,
            "the end of " + print(key) + " is recorded twice");
}

void Ledger::recovered(const Line& record) {
  note_placement(record);
  if (record.verb() == "INSTANCE") forgotten_.erase(std::string(record.text("instance")));
  decided(record);
  if (record.verb() != "ENDED") return;
  const RunKey key{std::string(record.text("instance")), record.number_or("run", 0)};
  if (record.has("seq")) reported_[key] = std::max(1, reported_[key]);
  if (record.has("seq")) unreported_.erase(key);
}

void Ledger::wants(const std::string& instance) {
  ++fates_[instance].starts;
  fates_[instance].must_rest = false;
}

void Ledger::note_placement(const Line& record) {
  if (record.verb() != "INSTANCE") return;
  Fate& fate = fates_[std::string(record.text("instance"))];
  fate.restart = record.text("restart", "no");
  fate.singleton = record.has("lease_ms");
  fate.worker = static_cast<int>(parse_integer(record.text("worker").substr(1)).value_or(0)) - 1;
}

void Ledger::note_forgotten(const Line& record) {
  if (record.verb() != "FORGOTTEN") return;
  for (const std::string& name : record.all("instance")) {
    wiped_instances_.insert(name);
    if (is_stray(name)) continue;
    for (const auto& [key, place] : living_)
      SIM_CHECK(timeline_, key.instance != name, print(key) + " lives and is forgotten");
    for (const auto& [key, place] : unreported_)
      SIM_CHECK(timeline_, key.instance != name, "the end of " + print(key) + " is forgotten");
  }
}

void Ledger::was_stopped(const std::string& instance) {
  if (is_stray(instance)) return;
  fates_[instance].must_rest = true;
  for (const auto& [key, place] : living_)
    SIM_CHECK(timeline_, key.instance != instance, print(key) + " lives after OK of its stop");
}

void Ledger::was_deleted(const std::string& app) {
  deleted_apps_.insert(app);
  for (const auto& [key, place] : living_)
    SIM_CHECK(timeline_, app_of(key.instance) != app || is_stray(key.instance),
              print(key) + " lives after its delete");
}

// --- an old journal put back ---

void Ledger::remember() {
  memory_ = {fates_, deleted_apps_, reported_};
  wiped_.clear();
  wiped_instances_.clear();
}

void Ledger::put_back(const std::set<std::string>& known_instances) {
  for (auto& [name, fate] : fates_) {
    if (!known_instances.contains(name)) strays_.insert(name);
    // Whoever was started since may run until the old journal's stop reaches it.
    const auto then = memory_.fates.find(name);
    const bool rested = then != memory_.fates.end() && then->second.must_rest;
    if (!rested || then->second.starts != fate.starts) fate.must_rest = false;
  }
  std::erase_if(deleted_apps_,
                [&](const std::string& app) { return !memory_.deleted_apps.contains(app); });
  reported_ = memory_.reported;
  forget_wiped();
}

// Runs that nobody knows of any more: their numbers may come again.
void Ledger::forget_wiped() {
  for (auto at = begun_.begin(); at != begun_.end();) {
    const RunKey& key = at->first;
    Fate& fate = fates_[key.instance];
    const bool is_wiped = wiped_.contains({fate.worker, app_of(key.instance)}) ||
                          wiped_instances_.contains(key.instance);
    const bool nobody_knows = is_wiped && !living_.contains(key);
    if (!nobody_knows) {
      ++at;
      continue;
    }
    ++fate.starts;
    tried_.erase(key);
    unreported_.erase(key);
    at = begun_.erase(at);
  }
}

// The name of a stray is given to a new instance. While the stray lives they cannot be told apart.
void Ledger::name_again(const std::string& instance) {
  if (!is_stray(instance)) return;
  const auto is_it = [&](const auto& entry) { return entry.first.instance == instance; };
  if (std::any_of(living_.begin(), living_.end(), is_it)) return;
  strays_.erase(instance);
  forgotten_.erase(instance);
  fates_.erase(instance);
  std::erase_if(begun_, is_it);
  std::erase_if(tried_, is_it);
  std::erase_if(reported_, is_it);
  std::erase_if(unreported_, is_it);
}

std::set<std::pair<std::string, int>> Ledger::living() const {
  std::set<std::pair<std::string, int>> names;
  for (const auto& [key, place] : living_) names.emplace(key.instance, place);
  return names;
}

}  // namespace dm::sim
