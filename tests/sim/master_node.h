// tests/sim/master_node.h - master/io/server.h in virtual time: brings the real cluster core its
// events and performs its effects, until the process dies. Decides nothing.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "master/core/cluster.h"
#include "master/state/snapshot.h"
#include "tests/sim/journal.h"
#include "tests/sim/ledger.h"
#include "tests/sim/network.h"
#include "tests/sim/old_copy.h"

namespace dm::sim {

class MasterNode {
 public:
  // What clients see.
  struct Clients {
    std::function<void(master::RequestId, const std::string&)> out;
    std::function<void(master::RequestId, const std::optional<Error>&)> finished;
    std::function<void()> disconnected;
  };

  MasterNode(Timeline& timeline, Ledger& ledger);
  void set_clients(Clients clients) { clients_ = std::move(clients); }

  void start();
  // kill -9, or with `power` the loss of whatever was not synced. It starts again.
  void crash(bool power);
  void light_fuse(std::int64_t effects) { fuse_ = effects; }
  void jump_clock(std::int64_t ms) { wall_offset_ms_ += ms; }

  // A backup of the journal; crash() and start() with it; crash() and start() with --new-epoch.
  void copy_journal() { copy_ = journal_.copy(); }
  void put_back_copy();
  void begin_new_epoch();
  // Told of what the journal that was put back knows.
  void set_on_put_back(std::function<void(const master::State&)> told) { on_put_back_ = told; }
  const OldCopy& old_copy() const { return old_copy_; }

  bool is_running() const { return running_; }
  Now now() const;

  // A worker's connection; nullopt if nobody listens.
  std::optional<Network::Id> connect(int place, Network::Handlers worker);
  Network& network() { return network_; }
  bool may_fetch(const std::string& worker, const std::string& sha256) const {
    return running_ && cluster_->may_fetch(worker, sha256);
  }

  // A command of an operator. REQUIRES is_running() and words that the parser takes.
  void command(master::RequestId request, const std::string& words,
               std::optional<master::PackageInfo> package);
  // REQUIRES is_running().
  const master::Cluster& cluster() const { return *cluster_; }

 private:
  void dispatch(const master::Event& event);
  void arm();
  void burn();
  void shorten_journal();
  void take_slice();
  void take_the_name();
  void perform(const master::Effect& effect);
  void perform_or_die(const master::Effect& effect);
  void on_line(Network::Id id, const Line& line);
  void on_closed(Network::Id id);
  void close(master::SessionId session);
  std::string worker_of(Network::Id id) const;
  void watch(const master::Effects& effects) const;

  Timeline& timeline_;
  Ledger& ledger_;
  Mortal life_;
  Network network_;
  SimJournal journal_;
  Clients clients_;
  std::unique_ptr<master::Cluster> cluster_;
  std::unique_ptr<CommitQueue<master::Effect, master::Append>> commits_;
  SimLog* log_ = nullptr;              // that of commits_
  std::map<Network::Id, bool> peers_;  // has it greeted?
  std::map<std::string, Manifest> manifests_;
  // A journal on its way to the name of the old one.
  struct Rewrite {
    SimJournal::Mark mark;
    master::SnapshotWalk walk;
    std::vector<Line> records;
    bool is_renaming = false;
  };
  std::optional<Rewrite> rewrite_;
  OldCopy old_copy_;
  std::string copy_;
  std::function<void(const master::State&)> on_put_back_;
  bool will_put_back_ = false, will_begin_epoch_ = false;
  bool running_ = false;
  std::int64_t armed_for_ = INT64_MAX;
  std::uint64_t timer_ = 0;
  std::int64_t wall_offset_ms_ = 0, fuse_ = 0, starts_ = 0;
};

}  // namespace dm::sim
