// worker/supervision/supervision.h - the supervisor's mind: who is the agent, which verb goes
// where, and when it is time to end. Pure: lines and the machine's news go in, calls to the machine
// and lines come out. The simulator runs it as it ships.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/codec.h"
#include "worker/supervision/machine.h"
#include "worker/supervision/runs.h"

namespace dm::supervisor {

class Supervision {
 public:
  // Borrows both. Does not end before an agent has come, or had its time to come.
  Supervision(Machine& machine, Outlet& outlet);
  Supervision(const Supervision&) = delete;
  Supervision& operator=(const Supervision&) = delete;

  // A peer whose user may give orders has connected, and is greeted. False: there is no place for
  // it, close it. A silent one may lose its place for it.
  bool connected(std::int64_t number);
  // The agent's connection, which our former self has handed over.
  void resumed(std::int64_t number);
  // A whole line of a peer.
  void on_line(std::int64_t number, const Line& line);
  // Called once for each connection that was let in, however it ended.
  void closed(std::int64_t number);
  // Whoever started us is gone: everything is killed, and we end.
  void tether_cut();

  // True if nothing is half done, and nothing forbids to become another process image.
  bool may_upgrade() const { return runs_.is_settled() && !stopping_; }
  bool is_stopping() const { return stopping_; }

  Runs& runs() { return runs_; }

 private:
  // An agent is whoever has sent a line other than STOP-ALL; until its first line a connection
  // hears what an agent hears, and replaces nobody.
  enum class Role { kSilent, kAgent, kStopper };
  using Handler = void (Supervision::*)(const Asker&, const Line&);
  struct Verb {
    const char* name;
    Handler handler;
  };
  static const Verb kVerbs[];

  void greet(std::int64_t number);
  bool take_role(std::int64_t number, bool stops);
  bool answer(const Asker& asker, const Line& line);
  void announce(const Line& line);
  void refuse(const Asker& asker, Code code, std::string_view message);

  void spawn(const Asker& asker, const Line& line) { runs_.spawn(asker, line); }
  void adopt(const Asker& asker, const Line& line) { runs_.adopt(asker, line); }
  void signal(const Asker& asker, const Line& line) { runs_.signal(asker, line); }
  void renew(const Asker&, const Line& line) { runs_.renew(line); }
  void usage(const Asker& asker, const Line& line) { runs_.usage(asker, line); }
  void acknowledge(const Asker& asker, const Line& line);
  void stop_all(const Asker& asker, const Line& line);
  void clear(const Asker& asker, const Line& line) { outlet_.clear(asker, line); }
  void upgrade(const Asker& asker, const Line& line);

  void name_denied();
  void maybe_end();
  void end_when_told(std::int64_t deadline);

  Machine& machine_;
  Outlet& outlet_;
  std::map<std::int64_t, Role> peers_;
  std::vector<Asker> stop_askers_;
  bool stopping_ = false;
  bool is_ending_ = false;
  bool may_end_ = false;  // an agent has come, or had its time to come
  Runs runs_;
};

}  // namespace dm::supervisor
