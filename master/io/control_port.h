// master/io/control_port.h - where operators connect: people and netcat with one shell command a
// line, dm with codec lines. Decides nothing but who speaks out of turn.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/command_lines.h"
#include "common/io/acceptor.h"
#include "common/io/door.h"
#include "common/io/line_connection.h"
#include "master/io/denials.h"
#include "master/io/hub.h"
#include "master/io/identity.h"
#include "master/limits/operator_patience.h"
#include "master/limits/operator_places.h"
#include "master/limits/turns.h"
#include "master/limits/unsent_budget.h"

namespace dm::master {

class ControlPort {
 public:
  // On a Unix socket `groups` let in others than our own user and root. `on_drained` hears when a
  // request's reader takes bytes again after out() said false.
  ControlPort(Hub& hub, std::vector<GroupRole> groups, std::function<void(RequestId)> on_drained);

  void listen(Fd listener, bool is_unix);

  // What the core says about a request. A request whose peer is gone is no error.
  bool out(RequestId request, std::string_view bytes);  // false: its reader is slow
  void note(RequestId request, const std::string& text);
  void progress(const Progress& progress);
  void finish(RequestId request, const std::optional<Error>& error);

  // Blobs that a connected operator has brought up and not used yet: not to be collected.
  std::set<std::string> pinned() const;

  // Hangs up on whoever came in by a key that no longer holds.
  void recheck_keys();

 private:
  static constexpr std::size_t kMaxQueue = 16 * 1024 * 1024;
  static constexpr std::size_t kMaxUnsent = 64 * 1024 * 1024;  // of all on TCP together
  static constexpr std::string_view kTooMuchUnsent =
      "too much waits for operators that do not read, most for this one";
  using PeerId = std::uint64_t;
  struct Peer {
    std::unique_ptr<LineConnection> connection;
    bool is_unix = false;
    bool may_open_paths = false;  // our own user, or root, on a Unix socket
    bool ended = false;           // it will send no more
    Role role = Role::kAdmin;
    Entrance entrance = Entrance::kTcp;
    std::string host;  // where it counts: an address, or on a Unix socket a user
    Credential credential;
    Asker asker;
    CommandLines command{kMaxLine};  // of a person: its lines so far
    std::set<RequestId> requests;
    std::set<std::string> pinned;
    // Output while a body is being received elsewhere; the last of each pair is a body.
    std::vector<std::pair<Line, std::string>> held_back;
    std::size_t held_bytes = 0;
    bool away = false;  // the socket is with a helper thread, or waits for one
    Task upload;
    OperatorPatience patience;
  };
  // How a request is to be answered.
  struct Asked {
    PeerId peer = 0;
    std::string id;  // dm's; empty: the form for people
    bool at_line_start = true;
  };
  struct Row;
  static const Row kRows[];

  std::unique_ptr<Door> make_door(Entrance entrance);
  void accepted(Fd fd);
  Peer identify(int fd, std::optional<Error>& refused) const;
  bool let_in(PeerId id, Peer&& peer);
  std::optional<Door::Refusal> on_hello(GuestId id, Door::Guest& guest, std::string_view text);
  std::optional<Handshake> admit(Peer& peer, const Door::Guest& guest, const Line& hello);
  void start(PeerId id, LineConnection::Released released);
  void on_line(PeerId id, std::string_view text);
  void refuse(Peer& peer, const Error& error);
  void turn_away(const Peer& peer, const std::string& why);
  void refuse_line(Peer& peer, const std::string& request, const Error& error);
  void look_around();
  void on_end(PeerId id);
  void on_closed(PeerId id, const std::string& why);
  void run_words(PeerId id, std::string_view text);
  void run(PeerId id, Peer& peer, const Line& line);
  void cancel(PeerId id, Peer& peer, const Line& line);
  void have(PeerId id, Peer& peer, const Line& line);
  void put(PeerId id, Peer& peer, const Line& line);
  void begin(PeerId id, Peer& peer, const std::string& request_id,
             const std::vector<std::string>& words, const std::string& manifest);
  void dispatch(RequestId request, Invocation invocation, const Asker& asker,
                std::optional<PackageInfo> package);
  void receive(PeerId id);
  void received(PeerId id, const std::string& request, LineConnection::Released released,
                const Status& stored);
  void resume(const LineConnection* connection);
  void answer(Peer& peer, const std::string& id, const std::optional<Error>& error);
  static std::size_t unsent(const Peer& peer);
  void count_unsent(const Peer& peer, std::size_t bytes);
  void shed(Peer& peer);
  void send(Peer& peer, std::string_view bytes);
  void send_line(Peer& peer, const Line& line, std::string_view body = {});
  std::pair<Peer*, Asked*> find(RequestId request);

  Hub& hub_;
  std::vector<GroupRole> groups_;
  std::function<void(RequestId)> on_drained_;
  OperatorPlaces places_;
  UnsentBudget budget_{kMaxUnsent};
  // Uploads, by entrance: together fewer than the threads that there are for transfers.
  std::array<Turns, kEntrances> uploads_;
  Denials denials_;
  std::array<std::unique_ptr<Door>, kEntrances> doors_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::map<PeerId, Peer> peers_;
  std::map<RequestId, Asked> asked_;
  PeerId next_peer_ = 1;
  RequestId next_request_ = 1;
};

}  // namespace dm::master
