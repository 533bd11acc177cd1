// worker/supervisor/server.h - the supervisor's socket: lets peers in, carries their lines and
// descriptors, and becomes another process image when it is asked to. Decides nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/io/loop.h"
#include "worker/supervision/supervision.h"
#include "worker/supervisor/agent_link.h"
#include "worker/supervisor/clearer.h"
#include "worker/supervisor/host_machine.h"
#include "worker/supervisor/upgrade.h"

namespace dm::supervisor {

class Server : public Outlet {
 public:
  // Serves a listening socket to peers of these users, and stops the loop with 0 when nothing is
  // left to do. `tether` may be invalid; its end of file means: kill everything and end.
  Server(Loop& loop, Fd listener, Fd tether, std::vector<uid_t> allowed,
         const HostMachine::Settings& settings);

  // How to become another version of ourselves; returns only if that fails.
  using Upgrade = std::function<Error(const HandOver& state, const std::vector<int>& kept)>;
  void allow_upgrade(Upgrade upgrade) { upgrade_ = std::move(upgrade); }
  // Goes on from what our former self has handed over, and answers the agent who asked for it.
  void go_on(const HandOver& state, Fd agent);

  void on_child_ended() { machine_.reap(); }

  void send(std::int64_t connection, const Line& line) override;
  void close(std::int64_t connection) override;
  bool is_open(std::int64_t connection) const override;
  bool flush() override;
  Line greeting() const override;
  void clear(const Asker& asker, const Line& line) override;
  void upgrade(const Asker& asker) override;  // server_upgrade.cc
  void end() override { loop_.stop(0); }

 private:
  void accept_peers();
  void let_in(Fd fd);
  std::unique_ptr<AgentLink> link_for(std::int64_t number, Fd fd);
  AgentLink* link(std::int64_t number) const;
  void on_line(std::int64_t number, std::string_view text);
  void on_closed(std::int64_t number);
  void on_tether();
  void try_upgrade(const Asker& asker, std::int64_t until_ms);

  Loop& loop_;
  Fd listener_;
  Fd tether_;
  const std::vector<uid_t> allowed_;
  std::map<std::int64_t, std::unique_ptr<AgentLink>> links_;
  std::int64_t next_number_ = 1;
  Upgrade upgrade_;
  bool upgrading_ = false;
  HostMachine machine_;
  Clearer clearer_;
  Supervision supervision_;
};

}  // namespace dm::supervisor
