// tests/sim/host.h - a worker's machine: its disk, its clocks, a supervisor, an agent; each can die
// as it does in the world.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "common/clock.h"
#include "master/state/state.h"
#include "tests/sim/agent_process.h"
#include "tests/sim/journal.h"
#include "tests/sim/machine.h"

namespace dm::sim {

class Host {
 public:
  Host(Timeline& timeline, Ledger& ledger, MasterNode& master, int index);

  void start_agent();
  // kill -9; it is started again a moment later.
  void crash_agent();
  // The agent, or with `power` the machine, dies at the agent's `effects`th effect from now; or
  // the supervisor, or the machine, at the supervisor's.
  void light_fuse(std::int64_t effects, bool power);
  void light_supervisor_fuse(std::int64_t effects, bool power);
  void put_out_fuses();
  void burn();
  // kill -9 of the supervisor alone, or of both; the agent starts another.
  void crash_supervisor();
  // Power failure: apps, supervisor and whatever was not synced are gone. It boots again.
  void crash();
  // Likewise, but it never boots again.
  void bury();
  bool is_buried() const { return buried_; }
  void jump_clock(std::int64_t ms);
  // While the faults last: disks are full now and then.
  void set_troubled(bool troubled) { troubled_ = troubled; }
  bool is_troubled() const { return troubled_; }

  int index() const { return index_; }
  const std::string& name() const { return name_; }
  Now now() const;
  worker::HostFacts facts() const;
  Timeline& timeline() { return timeline_; }
  Mortal& agent_life() { return agent_life_; }
  SimJournal& journal() { return journal_; }
  Ledger& ledger() { return ledger_; }
  Network& local() { return local_; }
  // An order of the master came; its id begins with the number of the master's start.
  void note_order(const Line& order);
  bool is_cut_off() const;
  void trace(const std::string& text) const;
  // nullptr while there is none.
  const AgentProcess* process() const { return running_ ? process_.get() : nullptr; }

  Network::Id connect_supervisor(Network::Handlers agent);

  bool has_files(const std::string& app, const std::string& version) const {
    return files_.contains({app, version});
  }
  void add_files(const std::string& app, const std::string& version) {
    files_.emplace(app, version);
  }
  // The master knows of them, or has lost what it knew: then no delete need reach them.
  void note_files(const std::string& app, const std::string& version, bool lost);
  void note_put_back(const master::State& known);
  void remove_files(const std::string& app);
  // Files that a delete must have removed?
  bool has_app(const std::string& app) const;

 private:
  std::string boot_id() const { return name_ + "-boot" + std::to_string(boots_); }

  Timeline& timeline_;
  Ledger& ledger_;
  MasterNode& master_;
  int index_;
  std::string name_;
  Mortal host_life_, agent_life_;
  Network local_;
  SimJournal journal_;
  using File = std::pair<std::string, std::string>;  // app, version
  std::set<File> files_, lost_files_;
  std::unique_ptr<SimMachine> supervisor_;
  std::unique_ptr<AgentProcess> process_;
  bool running_ = false, troubled_ = false, buried_ = false;
  std::int64_t latest_epoch_ = 0;
  int boots_ = 1, next_pid_ = 100;
  std::int64_t booted_at_ = 0, wall_offset_ms_ = 0, fuse_ = 0;
  bool fuse_ends_power_ = false, supervisor_fuse_ends_power_ = false;
};

}  // namespace dm::sim
