// tests/sim/agent_process.h - worker/io/runtime.h in virtual time: brings the real agent core its
// events and performs its effects, until the process dies. Decides nothing.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/commit_queue.h"
#include "tests/sim/network.h"
#include "worker/core/agent.h"

namespace dm::sim {

using worker::Agent;

class Host;
class MasterNode;

class AgentProcess {
 public:
  // Reads the host's journal and connects to its supervisor.
  AgentProcess(Host& host, MasterNode& master);

  const Agent& agent() const { return *agent_; }
  std::optional<Network::Id> session() const { return session_; }
  std::optional<Network::Id> supervisor() const { return supervisor_; }

 private:
  using Held = std::map<std::string, std::vector<Line>>;

  void perform_or_die(worker::Effect& effect);
  void raise(worker::Event event);
  void handle_events();
  void arm();
  void attach();
  void shorten_journal();
  void on_supervisor_line(const Line& line);

  void perform(const worker::Connect&);
  void perform(const worker::Disconnect& effect);
  void perform(const worker::ToMaster& effect);
  void perform(const worker::ToSupervisor& effect) { to_supervisor(effect.line); }
  void perform(const worker::Spawn& effect);
  void perform(const worker::Append&) {}
  void perform(const worker::Install& effect);
  void perform(const worker::RemoveApp& effect);
  void perform(const worker::RemoveInstances& effect);
  void perform(const worker::Probe& effect);
  void perform(const worker::StreamLog&) {}
  void perform(const worker::EndStreams&) {}
  void perform(const worker::CancelStream&) {}
  void perform(const worker::TakeSample& effect);
  void perform(const worker::Say& effect);
  void perform(const worker::Welcomed&) {}
  void to_supervisor(const Line& line);
  void installed(const worker::Install& effect, bool may_fetch);

  Host& host_;
  MasterNode& master_;
  std::unique_ptr<Agent> agent_;
  CommitQueue<worker::Effect, worker::Append> commits_;
  std::deque<worker::Event> events_;
  bool will_handle_ = false, may_tick_ = false;
  std::int64_t armed_for_ = worker::kNever;
  std::uint64_t timer_ = 0, dial_ = 0;
  bool dialling_ = false;
  std::optional<Network::Id> session_, supervisor_;
  Held held_;  // lines behind a spawn that is being prepared
};

}  // namespace dm::sim
