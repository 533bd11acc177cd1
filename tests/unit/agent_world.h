// tests/unit/agent_world.h - the worker's core on a table: tests speak for the master and for the
// supervisor, time passes when they say so, and every effect is a line of text.
//
//   world.join();                              the supervisor and the master are there
//   world.order("LAUNCH id=1 ...");            append RUN ...   spawn web.1/1   (sync or "lazy")
//   world.supervisor("OK id=web.1/1 pid=7");   M> OK id=1 pid=7 run=1          to the master
//                                              S> SIGNAL ...                   to the supervisor
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/core/agent.h"

namespace dm::test {

using worker::Agent;
using worker::Effect;
using worker::Effects;
using worker::Event;
using worker::HostFacts;

// A worker's instance in LAUNCH's fields: "instance=web.1 app=web manifest=... run=1 restart=no".
std::string launch_fields(const std::string& instance, const std::string& restart = "no",
                          int run = 1);
inline constexpr std::string_view kManifest =
    "1111111111111111111111111111111111111111111111111111111111111111";

inline constexpr int kExit3 = 3 << 8;  // as wait4 gives it

// The supervisor's word of a run that it has, with pid 7.
std::string run_line(const std::string& instance, int run);

class AgentWorld {
 public:
  AgentWorld();

  // The supervisor greets with what it has, then says SYNCED.
  void greet(const std::vector<std::string>& lines = {}, const std::string& pid = "10");
  // The master's connection up to WELCOME.
  void welcome(std::string_view line = "WELCOME cluster=c1 heartbeat_ms=1000 missed=2");
  void join();  // greet() and welcome(), web is installed
  void install(const std::string& app);
  void order(std::string_view line);  // of the master
  void supervisor(std::string_view line);
  void feed(const Event& event);
  // Launched, and it runs with pid 7 since now.
  void run(const std::string& instance, const std::string& restart = "no");
  // It ends: status as wait4 gives it. `more`: "left=2 survivor=8:sh".
  void exit(const std::string& instance, int status, const std::string& more = "");
  void pass(std::int64_t ms);  // with a Tick at each deadline
  // A new agent on the same journal; the supervisor goes on.
  void restart();
  // The same on the shortened journal.
  void restart_from_snapshot();
  // Only the first so many records are left, and the journal is mended.
  void mend(std::size_t left);
  std::string snapshot() const;
  std::vector<Line> agent_snapshot() const { return agent_->snapshot(); }

  std::string take();
  int count(std::string_view start) const;
  bool has(std::string_view part) const;
  std::string state_of(const std::string& instance) const;

  Agent& agent() { return *agent_; }
  const std::vector<Line>& journal() const { return journal_; }
  Now now{50'000, 1'700'000'000'000};
  HostFacts facts;  // of the next agent

 private:
  void note(const Effect& effect);
  void replay();

  std::unique_ptr<Agent> agent_;
  std::vector<Line> journal_;
  std::vector<std::string> log_;
  std::int64_t next_seq_ = 1;  // of the supervisor's ends
};

}  // namespace dm::test
