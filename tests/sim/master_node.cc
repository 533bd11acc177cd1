#include "tests/sim/master_node.h"

#include <algorithm>

#include "common/shell_words.h"

namespace dm::sim {
namespace {

using master::Append;
using master::Cluster;
using master::Effect;

constexpr std::int64_t kWallStartMs = 1'700'000'000'000;
constexpr std::int64_t kGreetingMs = 5000;
constexpr std::int64_t kEpochLeap = 1'000'000;
constexpr std::int64_t kKeptEnded = 4;  // of an app: so that much is forgotten

}  // namespace

MasterNode::MasterNode(Timeline& timeline, Ledger& ledger)
    : timeline_(timeline),
      ledger_(ledger),
      life_(timeline),
      network_(timeline, 5 * kMs),
      journal_(timeline, "master"),
      old_copy_(timeline) {}

Now MasterNode::now() const {
  return {1'000'000 + timeline_.now() / kMs,
          kWallStartMs + timeline_.now() / kMs + wall_offset_ms_};
}

void MasterNode::start() {
  timeline_.trace(will_begin_epoch_ ? "master starts with --new-epoch" : "master starts");
  const bool is_old = std::exchange(will_put_back_, false);
  const bool is_new_epoch = std::exchange(will_begin_epoch_, false);
  if (is_old) journal_.put_back(copy_);
  master::State known;
  std::vector<SealedRecord> records;
  journal_.read([&](const Line& record, std::int64_t seq) {
    Status applied = known.apply(record);
    if (applied) records.push_back({record, seq});
    ledger_.recovered(record);
    return applied;
  });
  const auto begin = [&](const Line& record) {
    records.push_back({record, journal_.next_seq()});
    journal_.add(record);
  };
  if (known.cluster_id.empty()) begin(Line("CLUSTER").add("id", std::string(32, 'c')));
  if (is_old) on_put_back_(known);
  const std::int64_t number = known.epoch_number + (is_new_epoch ? kEpochLeap : 1);
  Line epoch("EPOCH");
  epoch.add("number", number).add("id", "e" + std::to_string(++starts_));
  if (is_new_epoch) epoch.add("new", 1);
  begin(epoch);
  journal_.write();
  journal_.synced(journal_.size());
  master::ClusterOptions options;
  options.cluster_id = std::string(32, 'c');
  options.keep_ended = kKeptEnded;
  options.epoch = std::to_string(number) + "-" + std::string(epoch.text("id"));
  old_copy_.started(options.epoch, known, is_new_epoch);
  cluster_ = std::make_unique<Cluster>(options);
  for (const SealedRecord& record : records) (void)cluster_->replay(record.line, record.seq);
  for (const auto& [version, info] : cluster_->state().versions)
    cluster_->provide(version, manifests_[version]);
  const auto durable = [this](const Line& record) {
    if (timeline_.is_tracing()) timeline_.trace("master keeps " + record.print());
    ledger_.durable(record);
  };
  auto log =
      std::make_unique<SimLog>(life_, journal_, SimLog::Handlers{durable, [this] { burn(); }});
  log_ = log.get();
  commits_ = std::make_unique<CommitQueue<Effect, Append>>(
      std::move(log), [this](Effect& effect) { perform_or_die(effect); }, [](const Error&) {});
  running_ = true;
  armed_for_ = INT64_MAX;
  cluster_->begin(now());
  arm();
}

void MasterNode::burn() {
  if (fuse_ > 0 && --fuse_ == 0) crash(timeline_.chance(0.3));
}

void MasterNode::perform_or_die(const Effect& effect) {
  const auto life = life_.life();
  burn();
  if (life == life_.life()) perform(effect);
  if (life != life_.life()) commits_->stop();
}

void MasterNode::crash(bool power) {
  if (!running_) return;
  timeline_.trace(power ? "master loses power" : "master is killed");
  running_ = false;
  life_.die();
  // Killed at the rename: the one or the other.
  if (rewrite_ && rewrite_->is_renaming && timeline_.chance(0.5))
    journal_.replace(rewrite_->records, rewrite_->mark);
  rewrite_.reset();
  power ? journal_.host_died() : journal_.process_died();
  const auto peers = std::move(peers_);
  peers_.clear();
  for (const auto& [id, greeted] : peers)
    power ? network_.vanish(id, Side::kServer) : network_.abandon(id, Side::kServer);
  clients_.disconnected();
  const std::int64_t away = timeline_.chance(0.1) ? 30'000 : 2000;
  life_.later(timeline_.between(10, away) * kMs, [this] { start(); });
}

void MasterNode::put_back_copy() {
  timeline_.trace("an old journal is put back");
  will_put_back_ = true;
  crash(true);
}

void MasterNode::begin_new_epoch() {
  will_begin_epoch_ = true;
  crash(false);
}

std::string MasterNode::worker_of(Network::Id id) const {
  for (const auto& [name, view] : cluster_->workers())
    if (view.session == id) return name;
  return "";
}

void MasterNode::watch(const master::Effects& effects) const {
  if (!old_copy_.is_in_force()) return;
  for (const Effect& effect : effects)
    if (const auto* to = std::get_if<master::ToSession>(&effect))
      if (to->line.has("id")) old_copy_.ordered(worker_of(to->session), to->line);
}

void MasterNode::dispatch(const master::Event& event) {
  const auto life = life_.life();
  master::Effects effects = cluster_->on(event, now());
  watch(effects);
  for (const Effect& effect : effects)
    if (const auto* append = std::get_if<Append>(&effect)) ledger_.decided(append->record);
  commits_->submit(std::move(effects));
  if (life != life_.life()) return;
  arm();
  shorten_journal();
}

void MasterNode::arm() {
  const std::int64_t due = cluster_->next_deadline();
  if (due == armed_for_) return;
  armed_for_ = due;
  const std::uint64_t timer = ++timer_;
  if (due == INT64_MAX) return;
  life_.later(std::max<std::int64_t>(0, due - now().mono_ms) * kMs, [this, timer] {
    if (timer != timer_) return;
    armed_for_ = INT64_MAX;
    dispatch(master::Tick{});
  });
}

// A slice of the state now and then, between any two events.
void MasterNode::shorten_journal() {
  if (rewrite_ || !timeline_.chance(0.01)) return;
  rewrite_.emplace(Rewrite{journal_.mark(), {}, {}});
  take_slice();
}

void MasterNode::take_slice() {
  const auto most = static_cast<std::size_t>(timeline_.between(1, 8));
  for (Line& record : rewrite_->walk.next(cluster_->state(), most))
    rewrite_->records.push_back(std::move(record));
  life_.later(timeline_.delay(200 * kMs), [this] {
    if (!rewrite_->walk.is_done()) return take_slice();
    commits_->hold([this] { take_the_name(); });
  });
}

void MasterNode::take_the_name() {
  log_->held();
  rewrite_->is_renaming = true;
  life_.later(timeline_.delay(5 * kMs), [this] {
    timeline_.trace("the master's journal is shortened");
    journal_.replace(rewrite_->records, rewrite_->mark);
    rewrite_.reset();
    log_->replaced();
    commits_->release();
  });
}

void MasterNode::command(master::RequestId request, const std::string& words,
                         std::optional<master::PackageInfo> package) {
  const auto split = split_words(words);
  auto invocation = parse_invocation(split.value());
  if (!invocation) return timeline_.broken(words + ": " + invocation.error().message);
  if (package) manifests_[package->version] = package->manifest;
  dispatch(master::Command{request, std::move(*invocation), {"op", "unix"}, std::move(package)});
}

// --- workers ---

std::optional<Network::Id> MasterNode::connect(int place, Network::Handlers worker) {
  if (!running_) return std::nullopt;
  const auto life = life_.life();
  const auto number = std::make_shared<Network::Id>(0);
  Network::Handlers ours;
  ours.on_line = [this, life, number](const Line& line) {
    if (life == life_.life()) on_line(*number, line);
  };
  ours.on_closed = [this, life, number] {
    if (life == life_.life()) on_closed(*number);
  };
  const Network::Id id = network_.open(place, std::move(worker), std::move(ours));
  *number = id;
  peers_[id] = false;
  network_.send(id, Side::kServer, Line("DM").add("proto", 1).add("nonce", "0"));
  life_.later(kGreetingMs * kMs, [this, id] {
    if (peers_.contains(id) && !peers_.at(id)) close(id);
  });
  return id;
}

void MasterNode::on_line(Network::Id id, const Line& line) {
  const auto peer = peers_.find(id);
  if (peer == peers_.end()) return;
  if (old_copy_.is_in_force()) old_copy_.heard(worker_of(id), line);
  if (peer->second) return dispatch(master::SessionLine{id, line});
  peer->second = true;
  dispatch(master::SessionOpened{id, std::string(line.text("name")), std::string(line.text("id")),
                                 "10.0.0.1:1"});
}

void MasterNode::on_closed(Network::Id id) {
  const auto peer = peers_.extract(id);
  if (!peer.empty() && peer.mapped())
    dispatch(master::SessionClosed{id, "connection closed by the peer"});
}

void MasterNode::close(master::SessionId session) {
  network_.close(session, Side::kServer);
  life_.later(timeline_.below(2 * kSecond), [this, session] { on_closed(session); });
}

void MasterNode::perform(const Effect& effect) {
  struct Visitor {
    MasterNode& node;
    void operator()(const Append&) {}
    void operator()(const master::ToSession& e) {
      const std::string instance(e.line.text("instance"));
      const bool known = node.cluster_->state().instances.contains(instance);
      SIM_CHECK(node.timeline_, known || !node.ledger_.is_stray(instance),
                e.line.verb() + " is sent about " + instance + ", which is foreign");
      if (node.timeline_.is_tracing() && e.line.verb() != "BEAT")
        node.timeline_.trace("master > " + e.line.print());
      node.network_.send(e.session, Side::kServer, e.line);
    }
    void operator()(const master::CloseSession& e) { node.close(e.session); }
    void operator()(const master::Out& e) { node.clients_.out(e.request, e.text); }
    void operator()(const master::Note&) {}
    void operator()(const master::Progress&) {}
    void operator()(const master::Finish& e) { node.clients_.finished(e.request, e.error); }
    void operator()(const master::ExpectStream&) {}
    void operator()(const master::StreamDue&) {}
    void operator()(const master::DropStream&) {}
    void operator()(const master::KeysChanged&) {}
    void operator()(const master::CollectBlobs&) {}
    void operator()(const master::ReadHistory&) {}
    void operator()(const master::DropHistory&) {}
    void operator()(const master::ReadTail&) {}
    void operator()(const master::KeepTail&) {}
    void operator()(const master::DropTails&) {}
    void operator()(const master::Say& e) { node.timeline_.trace("master says " + e.text); }
  };
  std::visit(Visitor{*this}, effect);
}

}  // namespace dm::sim
