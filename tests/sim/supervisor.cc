#include "tests/sim/supervisor.h"

#include <algorithm>
#include <memory>
#include <vector>

namespace dm::sim {

using namespace supervisor;

namespace {

constexpr int kSigint = 2;
constexpr int kSigkill = 9;
constexpr std::int64_t kForEver = 100'000 * kSecond;

}  // namespace

// --- its fuse ---

bool SimSupervisor::takes_effect() {
  if (fuse_ > 0 && --fuse_ == 0) is_doomed_ = true;
  return !is_doomed_;
}

// The last thing in every task of its own: nothing of it may be left after this.
void SimSupervisor::burn() {
  if (!is_doomed_) return;
  const auto end = place_.end;
  end();
}

void SimSupervisor::send(Network::Id peer, const Line& line) {
  if (takes_effect()) place_.local.send(peer, Side::kServer, line);
}

void SimSupervisor::later(std::int64_t delay, Timeline::Task task) {
  place_.host.later(delay, [this, task = std::move(task)] {
    task();
    burn();
  });
}

// --- its life ---

Network::Id SimSupervisor::connect(Network::Handlers agent) {
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
  peers_[id] = false;
  send(id, Line("SUPERVISOR").add("proto", 1).add("pid", place_.pid).add("boot", place_.boot_id));
  for (const auto& [key, run] : table_.runs())
    if (run.phase == RunPhase::kLiving) send(id, run_line(run));
  for (const auto& [key, run] : table_.runs())
    if (run.has_exited()) send(id, exited_line(run));
  for (const auto& [key, run] : table_.runs())
    if (run.phase == RunPhase::kEnded && run.exit.left > 0) send(id, empty_line(run));
  send(id, Line("SYNCED"));
  later(0, [] {});
  return id;
}

void SimSupervisor::kill() {
  ended_ = true;
  fuse_ = 0;
  is_doomed_ = false;
  for (const auto& [peer, spoke] : peers_) place_.local.abandon(peer, Side::kServer);
  peers_.clear();
  table_ = RunTable();
  // An exec is over long before there can be another supervisor.
  std::vector<RunKey> unborn;
  for (const auto& [key, app] : apps_)
    if (!app.began) unborn.push_back(key);
  for (const RunKey& key : unborn) resolve(key);
  // PR_SET_PDEATHSIG.
  for (const auto& [key, app] : apps_)
    if (app.lease_until_ms > 0) exit_soon(key, kSigkill, 0);
}

void SimSupervisor::start_again(int pid) {
  ended_ = is_doomed_ = false;
  fuse_ = 0;
  place_.pid = pid;
}

void SimSupervisor::on_closed(Network::Id peer) {
  peers_.erase(peer);
  maybe_end();
}

// False if a newer agent has taken over already.
bool SimSupervisor::take_role(Network::Id peer) {
  if (peers_.at(peer)) return true;
  peers_.at(peer) = true;
  for (const auto& [other, spoke] : peers_)
    if (other > peer && spoke) return false;
  for (auto at = peers_.begin(); at != peers_.end();) {
    if (at->first < peer) {
      place_.local.close(at->first, Side::kServer);
      at = peers_.erase(at);
    } else {
      ++at;
    }
  }
  return true;
}

void SimSupervisor::on_line(Network::Id peer, const Line& line) {
  if (!peers_.contains(peer)) return;
  if (!take_role(peer)) {
    place_.local.close(peer, Side::kServer);
    peers_.erase(peer);
    return;
  }
  const Asker asker{static_cast<std::int64_t>(peer), std::string(line.text("id"))};
  if (line.verb() == "SPAWN") return spawn(asker, line);
  if (line.verb() == "ADOPT") return adopt(asker, line);
  if (line.verb() == "LEASE") return renew(line);
  if (line.verb() == "SIGNAL") return signal(asker, line);
  if (line.verb() != "ACK") return;
  table_.acknowledge(line.number_or("seq", 0));
  maybe_end();
}

void SimSupervisor::spawn(const Asker& asker, const Line& line) {
  auto order = parse_spawn_order(line);
  if (!order) return refuse(asker, order.error());
  switch (table_.judge(order->key)) {
    case SpawnVerdict::kSpawn: break;
    case SpawnVerdict::kWait: table_.find(order->key)->waiting.push_back(asker); return;
    case SpawnVerdict::kAnswer:
      answer(asker, spawn_answer(asker.id, *table_.find(order->key)));
      return;
    case SpawnVerdict::kExists: return refuse(asker, fail(Code::kExists, "a later run is known"));
    case SpawnVerdict::kLives: return refuse(asker, fail(Code::kExists, "an earlier run lives"));
    case SpawnVerdict::kFull: return refuse(asker, fail(Code::kBusy, "too many runs"));
  }
  if (order->lease_until_ms > 0 && order->lease_until_ms <= place_.now().mono_ms)
    return refuse(asker, fail(Code::kBusy, "its lease is over"));
  if (!takes_effect()) return;
  Timeline& timeline = place_.host.timeline();
  Run& run = table_.begin(order->key, place_.now().wall_ms);
  run.waiting.push_back(asker);
  table_.set_process(run, next_pid_++, 7);
  App app;
  app.pid = run.pid;
  app.started_ms = run.started_ms;
  app.ignores_sigint = timeline.chance(0.15);
  app.ignores_sigterm = timeline.chance(0.3);
  app.survivors = timeline.chance(0.15) ? timeline.between(1, 3) : 0;
  app.exit_code = static_cast<int>(timeline.chance(0.5) ? 0 : timeline.between(1, 3));
  const std::int64_t kind = timeline.below(10);
  app.lives_for = kind < 2   ? timeline.below(3 * kMs)
                  : kind < 6 ? timeline.below(120 * kSecond)
                             : kForEver;
  app.fails = !place_.has_files(line) || timeline.chance(0.03);
  app.lease_until_ms = order->lease_until_ms;
  if (app.lease_until_ms > 0) app.survivors = 0;
  apps_[order->key] = app;
  if (app.lease_until_ms > 0) watch_lease(order->key);
  place_.ledger.tried(order->key);
  later(timeline.delay(kMs), [this, key = order->key, pid = app.pid] {
    const auto found = apps_.find(key);
    if (found != apps_.end() && found->second.pid == pid && !found->second.began) resolve(key);
  });
}

void SimSupervisor::resolve(const RunKey& key) {
  // A child whose supervisor has died meanwhile becomes the app all the same.
  Run* run = table_.find(key);
  App& app = apps_.at(key);
  if (app.fails && app.early_signal == 0) {
    apps_.erase(key);
    if (run == nullptr) return;
    for (const Asker& asker : run->waiting)
      refuse(asker, fail(Code::kExecFailed, "No such file or directory"));
    table_.abandon(*run);
    return maybe_end();
  }
  app.began = app.is_running = true;
  place_.ledger.began(place_.worker, key);
  if (run != nullptr && run->phase == RunPhase::kStarting) {
    table_.started(*run);
    bool heard = false;
    for (const Asker& asker : run->waiting)
      heard = answer(asker, spawn_answer(asker.id, *run)) || heard;
    run->waiting.clear();
    if (!heard) announce(run_line(*run));
  }
  if (app.early_signal != 0)
    exit_soon(key, app.early_signal, 0);
  else
    exit_soon(key, app.exit_code << 8, app.lives_for);
}

void SimSupervisor::adopt(const Asker& asker, const Line& line) {
  const auto key = parse_run_key(line);
  if (!key) return refuse(asker, key.error());
  switch (table_.judge(*key)) {
    case SpawnVerdict::kSpawn: break;
    case SpawnVerdict::kWait: table_.find(*key)->waiting.push_back(asker); return;
    case SpawnVerdict::kAnswer: answer(asker, spawn_answer(asker.id, *table_.find(*key))); return;
    default: return refuse(asker, fail(Code::kExists, "a later run is known"));
  }
  const auto found = apps_.find(*key);
  if (found == apps_.end()) return refuse(asker, fail(Code::kNotFound, "nothing of it lives"));
  const App& app = found->second;
  SIM_CHECK(place_.host.timeline(), !line.has("pid") || line.number_or("pid", 0) == app.pid,
            key->instance + " is adopted under another pid");
  Run& run = table_.begin(*key, app.started_ms);
  table_.adopted(run, app.pid, 7);
  table_.started(run);
  answer(asker, spawn_answer(asker.id, run));
  if (app.is_running) return;
  ExitFacts facts;
  facts.unknown = true;
  // Killed ones may not be gone yet.
  facts.left = std::max<std::int64_t>(1, app.survivors);
  tell_end(run, std::move(facts));
}

void SimSupervisor::renew(const Line& line) {
  const auto key = parse_run_key(line);
  const auto found = key ? apps_.find(*key) : apps_.end();
  if (found == apps_.end() || found->second.lease_until_ms == 0) return;
  std::int64_t& until = found->second.lease_until_ms;
  until = std::max(until, line.number_or("until_ms", 0));
  watch_lease(*key);
}

void SimSupervisor::watch_lease(const RunKey& key) {
  const std::int64_t left = apps_.at(key).lease_until_ms - place_.now().mono_ms;
  later(std::max<std::int64_t>(left, 0) * kMs, [this, key] {
    const auto found = apps_.find(key);
    Run* run = table_.find(key);
    if (found == apps_.end() || run == nullptr || !run->lives()) return;
    if (found->second.lease_until_ms > place_.now().mono_ms) return;
    run->lease_over = true;
    reach(*run, kSigkill, true);
  });
}

void SimSupervisor::signal(const Asker& asker, const Line& line) {
  const auto key = parse_run_key(line);
  if (!key) return refuse(asker, key.error());
  const Run* run = table_.find(*key);
  const bool tree = line.text("to") == "tree";
  const bool reached = run != nullptr && run->phase != RunPhase::kEnded && (tree || run->lives());
  if (!reached) return refuse(asker, fail(Code::kNotFound, "nothing of that run lives"));
  reach(*run, static_cast<int>(line.number_or("signal", 0)), tree);
  answer(asker, Line("OK").add("id", asker.id));
}

void SimSupervisor::reach(const Run& run, int number, bool tree) {
  if (!takes_effect()) return;
  Timeline& timeline = place_.host.timeline();
  App& app = apps_.at(run.key);
  const bool obeys =
      number == kSigkill || (number == kSigint ? !app.ignores_sigint : !app.ignores_sigterm);
  if (tree && number == kSigkill) app.survivors = 0;
  if (run.phase == RunPhase::kDraining) {
    if (obeys) empty_soon(run.key, timeline.delay(20 * kMs));
  } else if (!app.began) {
    if (obeys) app.early_signal = number;
  } else if (obeys) {
    exit_soon(run.key, number, number == kSigkill ? timeline.delay(kMs) : timeline.delay(50 * kMs));
  }
}

void SimSupervisor::exit_soon(const RunKey& key, int status, std::int64_t delay) {
  if (delay >= kForEver) return;
  later(delay, [this, key, status] { exit(key, status); });
}

void SimSupervisor::exit(const RunKey& key, int status) {
  const auto app = apps_.find(key);
  if (app == apps_.end() || !app->second.is_running) return;
  app->second.is_running = false;
  ExitFacts facts;
  facts.status = status;
  facts.left = app->second.survivors;
  place_.ledger.ended(place_.worker, key);
  if (facts.left == 0) {
    place_.ledger.tree_ended(place_.worker, key);
    apps_.erase(app);
  }
  Run* run = table_.find(key);
  if (run == nullptr || !run->lives()) return;  // nobody was there to see it
  facts.unknown = run->is_adopted;
  facts.lease_over = run->lease_over;
  tell_end(*run, std::move(facts));
}

void SimSupervisor::tell_end(Run& run, ExitFacts facts) {
  facts.ended_ms = place_.now().wall_ms;
  for (std::int64_t i = 0; i < facts.left; ++i) facts.survivors.push_back("7:child");
  table_.exited(run, std::move(facts));
  announce(exited_line(run));
}

void SimSupervisor::empty_soon(const RunKey& key, std::int64_t delay) {
  later(delay, [this, key] {
    const auto app = apps_.find(key);
    if (app == apps_.end() || app->second.is_running) return;
    place_.ledger.tree_ended(place_.worker, key);
    apps_.erase(app);
    Run* run = table_.find(key);
    if (run == nullptr || run->phase != RunPhase::kDraining) return;
    announce(empty_line(*run));
    table_.emptied(*run);
    maybe_end();
  });
}

void SimSupervisor::refuse(const Asker& asker, const Error& error) {
  Line line("ERR");
  line.add("id", asker.id).add("code", word(error.code));
  answer(asker, line.add("msg", error.message));
}

bool SimSupervisor::answer(const Asker& asker, const Line& line) {
  const auto peer = static_cast<Network::Id>(asker.connection);
  if (!peers_.contains(peer)) return false;
  send(peer, line);
  return true;
}

void SimSupervisor::announce(const Line& line) {
  for (const auto& [peer, spoke] : peers_) send(peer, line);
}

void SimSupervisor::maybe_end() {
  if (peers_.empty() && table_.idle()) ended_ = true;
}

}  // namespace dm::sim
