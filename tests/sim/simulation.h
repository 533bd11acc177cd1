// tests/sim/simulation.h - one master, its workers and an operator under faults, and then in peace:
// what runs must become what is wanted. Depends on its seed and options alone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/host.h"
#include "tests/sim/ledger.h"
#include "tests/sim/master_node.h"
#include "tests/sim/operator.h"
#include "tests/sim/timeline.h"

namespace dm::sim {

struct SimOptions {
  std::int64_t minutes = 10;  // virtual
  int workers = 0;            // 0: from 2 to 7, by the seed
  bool tracing = false;
};

struct SimOutcome {
  std::optional<std::string> failure;
  std::int64_t steps = 0, commands = 0, runs = 0, faults = 0;
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, const SimOptions& options);
  SimOutcome run();

 private:
  struct FaultRow;
  static const FaultRow kFaults[];

  void plan_commands();
  void plan_faults();
  void cut_connection();
  void block_ways();
  void kill_agent();
  void kill_supervisor();
  void kill_both();
  void fuse_agent();
  void fuse_supervisor();
  void kill_host();
  void kill_master();
  void fuse_master();
  void cut_power_of_master();
  void jump_clock();
  void plan_old_journal();
  void resume_commands();
  Host& some_host();
  bool in_trouble() const { return timeline_.now() < peace_at_; }
  void run_until(std::int64_t end);
  void make_peace();
  bool is_excused(const std::string& worker, const std::string& app) const;
  // Everything that is not as it should be once peace has lasted; empty if all is well.
  std::string unrest() const;
  std::string unrest_of(const std::string& instance, bool lives) const;
  const Host& host_of(const std::string& worker) const;

  SimOptions options_;
  Timeline timeline_;
  Ledger ledger_;
  MasterNode master_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::unique_ptr<Operator> operator_;
  std::int64_t peace_at_ = 0, fault_pause_ = 0, command_pause_ = 0;
  bool is_silent_ = false;    // the operator waits until all workers are back
  std::vector<int> weights_;  // of each fault, by the seed
  std::int64_t faults_ = 0;
};

}  // namespace dm::sim
