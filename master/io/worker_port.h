// master/io/worker_port.h - where workers connect: behind the door their sessions; bulk connections
// are handed on. Decides nothing but who speaks out of turn.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/admission.h"
#include "common/io/acceptor.h"
#include "common/io/door.h"
#include "common/io/line_connection.h"
#include "master/io/bulk_port.h"
#include "master/io/hub.h"

namespace dm::master {

class WorkerPort {
 public:
  WorkerPort(Hub& hub, Fd listener, BulkPort& bulk);

  // To a session; a session that is gone is no error.
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
  };
  // What a HELLO has proved.
  struct Proof {
    std::optional<Handshake> handshake;  // with keys
    Credential credential;
  };

  Door::Handlers door_handlers();
  std::optional<Door::Refusal> on_hello(GuestId id, Door::Guest& guest, std::string_view text);
  std::optional<Error> wrong_form(const Line& hello) const;
  std::optional<Proof> prove(const Door::Guest& guest, const Line& hello) const;
  std::optional<Error> open_session(GuestId id, const Door::Guest& guest, const Line& hello,
                                    Proof proof);
  std::optional<Error> open_bulk(GuestId id, const Door::Guest& guest, const Line& hello,
                                 const Proof& proof);
  void start(SessionId id, Peer& peer, LineConnection::Released released);
  void on_line(SessionId id, std::string_view text);
  void refuse(Peer& peer, const Error& error);
  void turn_away(const std::string& address, const std::string& name, const std::string& why);
  void on_closed(SessionId id, const std::string& why);

  Hub& hub_;
  BulkPort& bulk_;
  std::map<SessionId, Peer> peers_;
  Quota sessions_;
  SessionId next_ = 1;
  Door door_;
  Acceptor acceptor_;  // last: it calls the door
};

}  // namespace dm::master
