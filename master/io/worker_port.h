// master/io/worker_port.h - where workers connect: behind the door their sessions; bulk connections
// are handed on. Decides nothing but who speaks out of turn.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "common/admission.h"
#include "common/io/acceptor.h"
#include "common/io/door.h"
#include "common/io/line_connection.h"
#include "master/io/bulk_port.h"
#include "master/io/denials.h"
#include "master/io/hub.h"
#include "master/limits/order_queue.h"

namespace dm::master {

class WorkerPort {
 public:
  WorkerPort(Hub& hub, Fd listener, BulkPort& bulk);

  // To a session; a session that is gone is no error. Orders wait until the worker takes more: the
  // master's own backlog is nobody's fault, but a worker that takes nothing at all for kDeafMs is
  // hung up on. What is no order never waits behind one.
  static constexpr std::int64_t kDeafMs = 10'000;
  // An order lives for that long (common/PROTOCOL.md).
  static constexpr std::int64_t kOrderMs = 60'000;
  void send(SessionId session, const Line& line);
  void close(SessionId session, const std::string& why);
  // Hangs up on whoever came in by a key that no longer holds.
  void recheck_keys();

 private:
  struct Peer {
    std::unique_ptr<LineConnection> connection;
    std::string address, name;
    std::optional<Handshake> handshake;  // until WELCOME has been sent
    Credential credential;
    OrderQueue orders;             // that the connection has no room for
    std::uint64_t taken = 0;       // bytes, when it was looked at last
    std::int64_t since_ms = 0;     // that it took the last of them
    std::int64_t answered_ms = 0;  // that it answered an order, or was sent the first
  };
  // What a HELLO has proved.
  struct Proof {
    std::optional<Handshake> handshake;  // with keys
    Credential credential;
  };

  Door::Handlers door_handlers();
  std::optional<Door::Refusal> on_hello(GuestId id, Door::Guest& guest, std::string_view text);
  std::optional<Proof> prove(const Door::Guest& guest, const Line& hello) const;
  std::optional<Error> open_session(GuestId id, const Door::Guest& guest, const Line& hello,
                                    Proof proof);
  std::optional<Error> open_bulk(GuestId id, const Door::Guest& guest, const Line& hello,
                                 const Proof& proof);
  void start(SessionId id, Peer& peer, LineConnection::Released released);
  void on_line(SessionId id, std::string_view text);
  void answered(SessionId id, Peer& peer, std::string_view order);
  void send_orders(SessionId id, Peer& peer);
  void look_around();
  void look_at(Peer& peer, std::int64_t now);
  void refuse(Peer& peer, const Error& error);
  void turn_away(const std::string& address, const std::string& name, const std::string& why);
  void on_closed(SessionId id, const std::string& why);

  Hub& hub_;
  BulkPort& bulk_;
  std::map<SessionId, Peer> peers_;
  std::set<SessionId> backed_up_;  // those with orders that wait
  Quota sessions_;                 // of an address; who has proved a key is counted by that alone
  Quota keyed_;
  SessionId next_ = 1;
  Denials denials_;
  Door door_;
  Acceptor acceptor_;  // last: it calls the door
};

}  // namespace dm::master
