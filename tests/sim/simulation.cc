#include "tests/sim/simulation.h"

#include <algorithm>

namespace dm::sim {
namespace {

constexpr std::int64_t kPeaceMs = 100'000;  // what is under way must have ended by then
constexpr std::size_t kLeastWithGrave = 3;
constexpr double kGrave = 0.3;
constexpr std::int64_t kMostPeaceMs = 420'000;  // the longest patience of an order, and some
constexpr double kPower = 0.2;                  // of the fuses on a worker end its machine
constexpr double kOldJournal = 0.15;            // of the seeds
constexpr std::int64_t kDay = 86'400'000;

}  // namespace

struct Simulation::FaultRow {
  void (Simulation::*strike)();
  int most_weight;
};

const Simulation::FaultRow Simulation::kFaults[] = {
    {&Simulation::cut_connection, 8},  {&Simulation::block_ways, 5},
    {&Simulation::kill_agent, 5},      {&Simulation::fuse_agent, 10},
    {&Simulation::kill_supervisor, 4}, {&Simulation::kill_both, 4},
    {&Simulation::kill_host, 4},       {&Simulation::kill_master, 4},
    {&Simulation::fuse_master, 8},     {&Simulation::cut_power_of_master, 2},
    {&Simulation::jump_clock, 2},      {&Simulation::fuse_supervisor, 6},
};

Simulation::Simulation(std::uint64_t seed, const SimOptions& options)
    : options_(options),
      timeline_(seed, options.tracing),
      ledger_(timeline_),
      master_(timeline_, ledger_) {
  const int workers =
      options.workers > 0 ? options.workers : static_cast<int>(timeline_.between(2, 7));
  for (int i = 0; i < workers; ++i)
    hosts_.push_back(std::make_unique<Host>(timeline_, ledger_, master_, i));
  operator_ = std::make_unique<Operator>(
      timeline_, ledger_, master_, workers, [this](const std::string& app) {
        return std::any_of(hosts_.begin(), hosts_.end(),
                           [&](const auto& host) { return host->has_app(app); });
      });
  peace_at_ = std::max<std::int64_t>(options.minutes * 60'000 - kPeaceMs, 30'000) * kMs;
  // Some seeds see one kind of fault only, often; others all of them, rarely.
  const double share = static_cast<double>(timeline_.between(2, 10)) / 10;
  for (const FaultRow& row : kFaults)
    weights_.push_back(
        timeline_.chance(share) ? static_cast<int>(timeline_.between(1, row.most_weight)) : 0);
  fault_pause_ = timeline_.between(1, 20) * kSecond;
  command_pause_ = timeline_.between(1, 8) * kSecond;
}

SimOutcome Simulation::run() {
  master_.start();
  for (auto& host : hosts_) {
    host->set_troubled(true);
    host->agent_life().later(timeline_.below(kSecond), [&host = *host] { host.start_agent(); });
  }
  timeline_.after(3 * kSecond, [this] { plan_commands(); });
  timeline_.after(5 * kSecond, [this] { plan_faults(); });
  if (timeline_.chance(kOldJournal)) plan_old_journal();
  run_until(peace_at_);
  make_peace();
  run_until(peace_at_ + kPeaceMs * kMs);
  std::int64_t end = timeline_.now();
  while (!timeline_.failure() && !unrest().empty() && end < peace_at_ + kMostPeaceMs * kMs) {
    end += 10 * kSecond;
    run_until(end);
  }
  if (!timeline_.failure())
    if (const std::string words = unrest(); !words.empty())
      timeline_.broken("in peace for " + std::to_string(kMostPeaceMs / 1000) + " s, and " + words);
  return {timeline_.failure(), timeline_.steps(), operator_->commands(), ledger_.runs(), faults_};
}

void Simulation::run_until(std::int64_t end) {
  bool over = false;
  timeline_.after(end - timeline_.now(), [&over] { over = true; });
  while (!over && timeline_.step()) {
  }
}

void Simulation::plan_commands() {
  if (!in_trouble()) return;
  if (!is_silent_) operator_->act();
  timeline_.after(timeline_.below(2 * command_pause_), [this] { plan_commands(); });
}

void Simulation::plan_faults() {
  if (!in_trouble()) return;
  int sum = 0;
  for (int weight : weights_) sum += weight;
  if (sum == 0) return;
  auto at = static_cast<int>(timeline_.below(sum));
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    at -= weights_[i];
    if (at >= 0) continue;
    ++faults_;
    (this->*kFaults[i].strike)();
    break;
  }
  timeline_.after(timeline_.below(2 * fault_pause_), [this] { plan_faults(); });
}

Host& Simulation::some_host() {
  return *hosts_[static_cast<std::size_t>(
      timeline_.below(static_cast<std::int64_t>(hosts_.size())))];
}

// --- faults ---

void Simulation::cut_connection() {
  const Host& host = some_host();
  host.trace("its connection is cut");
  master_.network().cut_all(host.index());
}

// One way or both; whoever gets no acknowledgement gives the connection up after a while.
void Simulation::block_ways() {
  const Host& host = some_host();
  const int place = host.index();
  const std::int64_t ways = timeline_.between(1, 3);
  host.trace("cannot be reached, ways " + std::to_string(ways));
  for (Side side : {Side::kClient, Side::kServer})
    if (ways & (1 << static_cast<int>(side))) master_.network().block(place, side);
  timeline_.after(timeline_.between(2000, 6000) * kMs, [this, place] {
    if (master_.network().is_blocked(place)) master_.network().cut_all(place);
  });
  timeline_.after(timeline_.below(20 * kSecond), [this, place] {
    for (Side side : {Side::kClient, Side::kServer}) master_.network().unblock(place, side);
  });
}

void Simulation::kill_agent() {
  some_host().crash_agent();
}

void Simulation::kill_supervisor() {
  some_host().crash_supervisor();
}

void Simulation::kill_both() {
  Host& host = some_host();
  host.crash_agent();
  host.crash_supervisor();
}

void Simulation::fuse_agent() {
  some_host().light_fuse(timeline_.between(1, 30), timeline_.chance(kPower));
}

void Simulation::fuse_supervisor() {
  some_host().light_supervisor_fuse(timeline_.between(1, 20), timeline_.chance(kPower));
}

void Simulation::kill_host() {
  some_host().crash();
}

void Simulation::kill_master() {
  master_.crash(false);
}

void Simulation::fuse_master() {
  master_.light_fuse(timeline_.between(1, 40));
}

void Simulation::cut_power_of_master() {
  master_.crash(true);
}

void Simulation::jump_clock() {
  const std::int64_t ms = timeline_.between(-kDay, kDay);
  if (timeline_.chance(0.3)) return master_.jump_clock(ms);
  some_host().jump_clock(ms);
}

// A backup is put back while the master is down; somebody sees it, and begins a new epoch. Before
// all workers are back nobody types: names that only they know would be given again.
void Simulation::plan_old_journal() {
  const auto at = [this](std::int64_t least, std::int64_t most) {
    return timeline_.between(peace_at_ / 100 * least, peace_at_ / 100 * most);
  };
  master_.set_on_put_back([this](const master::State& known) {
    std::set<std::string> instances;
    for (const auto& [name, placement] : known.instances) instances.insert(name);
    ledger_.put_back(instances);
    operator_->put_back();
    for (auto& host : hosts_) host->note_put_back(known);
  });
  timeline_.after(at(10, 60), [this] {
    timeline_.trace("the journal is copied");
    master_.copy_journal();
    ledger_.remember();
    operator_->remember();
  });
  timeline_.after(at(62, 75), [this] {
    is_silent_ = true;
    master_.put_back_copy();
  });
  timeline_.after(at(77, 90), [this] {
    master_.begin_new_epoch();
    resume_commands();
  });
}

void Simulation::resume_commands() {
  const bool all_back = master_.is_running() && !master_.old_copy().is_in_force() &&
                        std::all_of(hosts_.begin(), hosts_.end(), [this](const auto& host) {
                          const auto view = master_.cluster().workers().find(host->name());
                          return view != master_.cluster().workers().end() && view->second.synced;
                        });
  if (all_back)
    is_silent_ = false;
  else
    timeline_.after(kSecond, [this] { resume_commands(); });
}

// --- peace ---

// In some seeds one machine does not live to see it, and the others are most of the workers.
void Simulation::make_peace() {
  timeline_.trace("peace");
  if (hosts_.size() >= kLeastWithGrave && timeline_.chance(kGrave)) some_host().bury();
  master_.light_fuse(0);
  for (auto& host : hosts_) {
    host->put_out_fuses();
    host->set_troubled(false);
    for (Side side : {Side::kClient, Side::kServer}) master_.network().unblock(host->index(), side);
  }
}

std::string Simulation::unrest() const {
  if (!master_.is_running()) return "the master is down";
  operator_->check_kept();
  for (const std::string& words : operator_->unanswered()) return "no answer to: " + words;
  const master::State& state = master_.cluster().state();
  const auto living = ledger_.living();
  for (const auto& [name, place] : living) {
    const auto found = state.instances.find(name);
    if (ledger_.is_stray(name)) {
      const std::string& worker = hosts_[static_cast<std::size_t>(place)]->name();
      const bool is_here = found != state.instances.end() && found->second.worker == worker;
      const auto view = master_.cluster().workers().find(worker);
      const bool is_listed =
          view != master_.cluster().workers().end() && view->second.foreign.contains(name);
      if (!is_here && !is_listed) return name + " is foreign and is not listed";
      continue;
    }
    if (found == state.instances.end()) return name + " runs and is unknown";
    if (found->second.worker != hosts_[static_cast<std::size_t>(place)]->name())
      return name + " runs on another worker";
  }
  for (const auto& [name, placement] : state.instances) {
    if (ledger_.is_stray(name)) continue;
    const bool lives =
        std::any_of(living.begin(), living.end(),
                    [&wanted = name](const auto& each) { return each.first == wanted; });
    if (const std::string words = unrest_of(name, lives); !words.empty()) return words;
  }
  for (const auto& [key, place] : ledger_.unreported())
    if (state.instances.contains(key.instance) && !ledger_.is_stray(key.instance) &&
        !hosts_[static_cast<std::size_t>(place)]->is_buried())
      return "the end of " + key.instance + " run " + std::to_string(key.run) + " is not recorded";
  for (const auto& [worker, apps] : state.deletes)
    for (const std::string& app : apps)
      if (!host_of(worker).is_buried() && !is_excused(worker, app))
        return app + " is still to be deleted from " + worker;
  return "";
}

const Host& Simulation::host_of(const std::string& worker) const {
  return **std::find_if(hosts_.begin(), hosts_.end(),
                        [&](const auto& host) { return host->name() == worker; });
}

// What is foreign is never stopped, and its files stay.
bool Simulation::is_excused(const std::string& worker, const std::string& app) const {
  const AgentProcess* process = host_of(worker).process();
  if (process == nullptr) return false;
  const auto& all = process->agent().instances();
  return std::any_of(all.begin(), all.end(), [&](const auto& entry) {
    const auto& [name, instance] = entry;
    return ledger_.is_stray(name) && app_of(name) == app &&
           instance.state != worker::RunState::kDown;
  });
}

std::string Simulation::unrest_of(const std::string& name, bool lives) const {
  const master::Placement& placement = master_.cluster().state().instances.at(name);
  const bool wanted = placement.desired == master::Desired::kRunning;
  const master::InstanceRow row = master_.cluster().row(name, master_.now());
  if (lives && !wanted) return name + " runs, and nobody wants it";
  if (host_of(placement.worker).is_buried()) {
    const bool moves = placement.on_lost == master::OnLost::kMove &&
                       placement.restart == master::Restart::kAlways &&
                       master_.cluster().state().versions.contains(placement.version);
    return wanted && moves ? name + " has not moved from " + placement.worker : "";
  }
  if (lives != row.alive)
    return name + (lives ? " runs" : " is dead") + " and is shown as " + row.state;
  const AgentProcess* process = host_of(placement.worker).process();
  if (process == nullptr) return placement.worker + " is down";
  const auto& instances = process->agent().instances();
  const auto known = instances.find(name);
  if (known == instances.end()) return "";
  if (!known->second.answers.empty()) return "an order about " + name + " hangs";
  if (known->second.wanted && !wanted && placement.restart == master::Restart::kAlways)
    return placement.worker + " wants " + name + " to run";
  if (!known->second.wanted && wanted && placement.restart != master::Restart::kNo)
    return placement.worker + " does not want " + name + " to run";
  const bool rests = known->second.state == worker::RunState::kDown;
  if (wanted && rests && placement.restart == master::Restart::kAlways)
    return name + " is not restarted";
  return "";
}

}  // namespace dm::sim
