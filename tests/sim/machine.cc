#include "tests/sim/machine.h"

#include <algorithm>

#include "common/signals.h"

namespace dm::sim {
namespace {

constexpr std::int64_t kForEver = 100'000 * kSecond;
constexpr int kNoSuchFile = 2;

}  // namespace

SimMachine::SimMachine(Place place)
    : place_(std::move(place)),
      supervision_(std::make_unique<supervisor::Supervision>(*this, *this)) {}

// --- the supervisor's fuse, and its time ---

bool SimMachine::takes_effect() {
  if (fuse_ > 0 && --fuse_ == 0) is_doomed_ = true;
  return !is_doomed_;
}

// The last thing in every task of its own: nothing of it may be left after this.
void SimMachine::burn() {
  if (!is_doomed_) return;
  const auto end = place_.end;
  end();
}

void SimMachine::after(std::int64_t delay, Timeline::Task task) {
  place_.host.later(delay, [this, task = std::move(task)] {
    task();
    burn();
  });
}

void SimMachine::after_here(std::int64_t delay, Timeline::Task task) {
  after(delay, [this, process = process_, task = std::move(task)] {
    if (process == process_) task();
  });
}

supervisor::Machine::TimerId SimMachine::at(std::int64_t mono_ms, Task task) {
  const TimerId id{mono_ms, next_timer_++};
  timers_.insert(id);
  const std::int64_t wait_ms = std::max<std::int64_t>(0, mono_ms - place_.now().mono_ms);
  after_here(wait_ms * kMs, [this, id, task = std::move(task)] {
    if (timers_.erase(id) > 0) task();
  });
  return id;
}

void SimMachine::later(Task task) {
  after_here(0, std::move(task));
}

// --- its life and its connections ---

Network::Id SimMachine::connect(Network::Handlers agent) {
  const auto number = std::make_shared<Network::Id>(0);
  const auto life = place_.host.life();
  Network::Handlers ours;
  // The host outlives us, and says whether we still live.
  ours.on_line = [this, &host = place_.host, life, number](const Line& line) {
    if (life != host.life()) return;
    on_line(*number, line);
    burn();
  };
  ours.on_closed = [this, &host = place_.host, life, number] {
    if (life != host.life()) return;
    on_closed(*number);
    burn();
  };
  const Network::Id id = place_.local.open(place_.worker, std::move(agent), std::move(ours));
  *number = id;
  open_.insert(static_cast<std::int64_t>(id));
  if (!supervision_->connected(static_cast<std::int64_t>(id))) close(static_cast<std::int64_t>(id));
  after(0, [] {});
  return id;
}

Line SimMachine::greeting() const {
  return Line("SUPERVISOR").add("proto", 1).add("pid", place_.pid).add("boot", place_.boot_id);
}

void SimMachine::send(std::int64_t connection, const Line& line) {
  if (open_.contains(connection) && takes_effect())
    place_.local.send(static_cast<Network::Id>(connection), Side::kServer, line);
}

void SimMachine::close(std::int64_t connection) {
  if (open_.erase(connection) == 0) return;
  place_.local.close(static_cast<Network::Id>(connection), Side::kServer);
  later([this, connection] { supervision_->closed(connection); });
}

void SimMachine::on_line(Network::Id peer, const Line& line) {
  const auto number = static_cast<std::int64_t>(peer);
  if (!ended_ && open_.contains(number)) supervision_->on_line(number, line);
}

void SimMachine::on_closed(Network::Id peer) {
  const auto number = static_cast<std::int64_t>(peer);
  if (open_.erase(number) > 0 && !ended_) supervision_->closed(number);
}

void SimMachine::end() {
  ended_ = true;
  ++process_;
}

void SimMachine::kill() {
  end();
  fuse_ = 0;
  is_doomed_ = false;
  for (const std::int64_t number : open_)
    place_.local.abandon(static_cast<Network::Id>(number), Side::kServer);
  open_.clear();
  // An exec is over long before there can be another supervisor.
  std::vector<RunKey> unborn;
  for (const auto& [key, app] : apps_)
    if (!app.began) unborn.push_back(key);
  for (const RunKey& key : unborn) exec(key);
  // PR_SET_PDEATHSIG.
  for (const auto& [key, app] : apps_)
    if (app.has_lease) exit_soon(key, kSigkill, 0);
}

void SimMachine::start_again(int pid) {
  ended_ = is_doomed_ = false;
  fuse_ = 0;
  place_.pid = pid;
  watched_.clear();
  timers_.clear();
  supervision_ = std::make_unique<supervisor::Supervision>(*this, *this);
}

// --- apps ---

SimMachine::App SimMachine::make_app(const SpawnOrder& order) {
  Timeline& timeline = place_.host.timeline();
  App app;
  app.pid = next_pid_++;
  app.parent = place_.pid;
  app.ignores_sigint = timeline.chance(0.15);
  app.ignores_sigterm = timeline.chance(0.3);
  app.survivors = timeline.chance(0.15) ? timeline.between(1, 3) : 0;
  app.exit_code = static_cast<int>(timeline.chance(0.5) ? 0 : timeline.between(1, 3));
  const std::int64_t kind = timeline.below(10);
  app.lives_for = kind < 2   ? timeline.below(3 * kMs)
                  : kind < 6 ? timeline.below(120 * kSecond)
                             : kForEver;
  app.fails = !place_.has_files(order.env) || timeline.chance(0.03);
  app.has_lease = order.lease_until_ms > 0;
  if (app.has_lease) app.survivors = 0;
  return app;
}

ForkResult SimMachine::fork(const SpawnOrder& order, const std::string&, const std::string&) {
  ForkResult child;
  child.start = 7;
  if (!takes_effect()) return child;
  const App app = make_app(order);
  child.pid = app.pid;
  apps_[order.key] = app;
  place_.ledger.tried(order.key);
  after(place_.host.timeline().delay(kMs), [this, key = order.key, pid = app.pid] {
    const auto found = apps_.find(key);
    if (found != apps_.end() && found->second.pid == pid && !found->second.began) exec(key);
  });
  return child;
}

// A child whose supervisor has died meanwhile becomes the app all the same.
void SimMachine::exec(const RunKey& key) {
  App& app = apps_.at(key);
  if (app.fails && app.early_signal == 0) {
    const int pid = app.pid;
    apps_.erase(key);
    if (ended_) return;
    supervision_->runs().resolve(
        key, supervisor::SpawnFailure{{}, kNoSuchFile, "No such file or directory"});
    supervision_->runs().reaped(pid, {});
    return supervision_->runs().reaped_all();
  }
  app.began = app.is_running = true;
  place_.ledger.began(place_.worker, key);
  const int status = app.early_signal != 0 ? app.early_signal : app.exit_code << 8;
  const std::int64_t lives_for = app.early_signal != 0 ? 0 : app.lives_for;
  if (!ended_) supervision_->runs().resolve(key, std::nullopt);
  exit_soon(key, status, lives_for);
}

Result<std::optional<FoundProcess>> SimMachine::find_main(const RunKey& key, int pid,
                                                          std::uint64_t) {
  const auto found = apps_.find(key);
  if (found == apps_.end() || !found->second.is_running) return std::optional<FoundProcess>();
  SIM_CHECK(place_.host.timeline(), pid == 0 || pid == found->second.pid,
            key.instance + " is adopted under another pid");
  return std::optional(FoundProcess{found->second.pid, 7, ""});
}

supervisor::Reached SimMachine::signal_group(const Run& run, int signal) {
  reach(run, signal, false);
  return supervisor::Reached::kSome;
}

supervisor::Reached SimMachine::signal_tree(const Run& run, int signal) {
  if (!apps_.contains(run.key)) return supervisor::Reached::kNobody;
  reach(run, signal, true);
  return supervisor::Reached::kSome;
}

supervisor::KillRound SimMachine::kill_tree(const Run& run) {
  reach(run, kSigkill, true);
  return {};
}

std::vector<std::string> SimMachine::living(const Run& run) {
  const auto found = apps_.find(run.key);
  const std::int64_t count = found == apps_.end() ? 0 : found->second.survivors;
  return std::vector<std::string>(static_cast<std::size_t>(count), "7:child");
}

void SimMachine::reach(const Run& run, int number, bool tree) {
  if (number == kSigcont) return;  // nobody is stopped here
  const auto found = apps_.find(run.key);
  if (found == apps_.end() || found->second.is_killed || !takes_effect()) return;
  Timeline& timeline = place_.host.timeline();
  App& app = found->second;
  const bool obeys =
      number == kSigkill || (number == kSigint ? !app.ignores_sigint : !app.ignores_sigterm);
  if (tree && number == kSigkill) {
    app.survivors = 0;
    app.is_killed = true;
  }
  if (app.began && !app.is_running) {
    if (obeys) empty_soon(run.key, timeline.delay(20 * kMs));
  } else if (!app.began) {
    if (obeys) app.early_signal = number;
  } else if (obeys) {
    exit_soon(run.key, number, number == kSigkill ? timeline.delay(kMs) : timeline.delay(50 * kMs));
  }
}

void SimMachine::exit_soon(const RunKey& key, int status, std::int64_t delay) {
  if (delay >= kForEver) return;
  after(delay, [this, key, status] { exit(key, status); });
}

void SimMachine::exit(const RunKey& key, int status) {
  const auto found = apps_.find(key);
  if (found == apps_.end() || !found->second.is_running) return;
  found->second.is_running = false;
  const int pid = found->second.pid;
  place_.ledger.ended(place_.worker, key);
  if (found->second.survivors == 0) {
    place_.ledger.tree_ended(place_.worker, key);
    apps_.erase(found);
  }
  if (ended_) return;  // nobody is there to see it
  if (watched_.contains(key)) return supervision_->runs().lost(key);
  supervisor::ExitFacts facts;
  facts.status = status;
  supervision_->runs().reaped(pid, std::move(facts));
  supervision_->runs().reaped_all();
}

void SimMachine::empty_soon(const RunKey& key, std::int64_t delay) {
  after(delay, [this, key] {
    const auto found = apps_.find(key);
    if (found == apps_.end() || found->second.is_running) return;
    const bool is_ours = found->second.parent == place_.pid;
    place_.ledger.tree_ended(place_.worker, key);
    apps_.erase(found);
    // Orphans become children of the supervisor that began the run, and of no other.
    if (!ended_ && is_ours) supervision_->runs().reaped_all();
  });
}

}  // namespace dm::sim
