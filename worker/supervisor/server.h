// worker/supervisor/server.h - the supervisor's socket: who is the agent, which verb goes where,
// and when it is time to end. Starts and signals nothing itself.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/io/loop.h"
#include "worker/supervisor/agent_link.h"
#include "worker/supervisor/clearer.h"
#include "worker/supervisor/runs.h"
#include "worker/supervisor/upgrade.h"

namespace dm::supervisor {

class Server {
 public:
  // Serves a listening socket to peers of these users, and stops the loop with 0 when nothing is
  // left to do. `tether` may be invalid; its end of file means: kill everything and end.
  Server(Loop& loop, Fd listener, Fd tether, std::vector<uid_t> allowed,
         const Runs::Settings& settings);

  // How to become another version of ourselves; returns only if that fails.
  using Upgrade = std::function<Error(const HandOver& state, const std::vector<int>& kept)>;
  void allow_upgrade(Upgrade upgrade) { upgrade_ = std::move(upgrade); }
  // Goes on from what our former self has handed over, and answers the agent who asked for it.
  void go_on(const HandOver& state, Fd agent);

  void on_child_ended() { runs_.reap(); }

 private:
  // An agent is whoever has sent a line other than STOP-ALL; until its first line a connection
  // hears what an agent hears, and replaces nobody.
  enum class Role { kSilent, kAgent, kStopper };
  struct Peer {
    std::unique_ptr<AgentLink> link;
    Role role = Role::kSilent;
  };
  struct Request {
    Asker asker;
    const Line& line;
    AgentLink& link;
  };
  using Handler = void (Server::*)(const Request&);
  struct Verb {
    const char* name;
    Handler handler;
  };
  static const Verb kVerbs[];

  void accept_peers();
  std::unique_ptr<AgentLink> link_for(std::int64_t number, Fd fd);
  void greet(AgentLink& link);
  void on_line(std::int64_t number, std::string_view text);
  void on_too_long(std::int64_t number);
  bool take_role(std::int64_t number, bool stops);
  void on_closed(std::int64_t number);
  bool answer(const Asker& asker, const Line& line);
  void announce(const Line& line);

  void spawn(const Request& request);
  void adopt(const Request& request);
  void signal(const Request& request);
  void renew(const Request& request);
  void acknowledge(const Request& request);
  void usage(const Request& request);
  void clear(const Request& request);
  void stop_all(const Request& request);
  void upgrade(const Request& request);  // server_upgrade.cc
  void try_upgrade(const Asker& asker, std::int64_t until_ms);

  void on_tether();
  void maybe_end();
  void end_when_told(std::int64_t deadline);

  Loop& loop_;
  Fd listener_;
  Fd tether_;
  const std::vector<uid_t> allowed_;
  std::map<std::int64_t, Peer> peers_;
  std::int64_t next_number_ = 1;
  std::vector<Asker> stop_askers_;
  Upgrade upgrade_;
  bool upgrading_ = false;
  bool stopping_ = false;
  bool is_ending_ = false;
  bool may_end_ = false;  // an agent has come, or had its time to come
  Runs runs_;
  Clearer clearer_;
};

}  // namespace dm::supervisor
