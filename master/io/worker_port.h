// master/io/worker_port.h - where workers connect: the greeting, then sessions; bulk connections
// are handed on. Decides nothing but who speaks out of turn.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/io/acceptor.h"
#include "common/io/line_connection.h"
#include "master/io/bulk_port.h"
#include "master/io/hub.h"
#include "master/limits/admission.h"

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
    std::string address, host, name, nonce;
    std::optional<Handshake> handshake;  // until WELCOME has been sent
    Credential credential;
    bool greeted = false;  // HELLO has come: it is a session
    Loop::TimerId timer{};
  };

  void accepted(Fd fd);
  void on_line(SessionId id, std::string_view text);
  void on_hello(SessionId id, Peer& peer, const Line& hello);
  std::optional<Error> wrong_form(const Line& hello) const;
  bool proves_key(Peer& peer, const Line& hello);
  void open_session(SessionId id, Peer& peer, const Line& hello);
  void open_bulk(SessionId id, Peer& peer, const Line& hello);
  void welcome(Peer& peer, Line line);
  // An answer, and the end; before the proof it is counted and logged, for this reason.
  void refuse(Peer& peer, const Error& error, const std::string& why = {});
  void turn_away(const Peer& peer, const std::string& why);
  void on_closed(SessionId id, const std::string& why);

  Hub& hub_;
  BulkPort& bulk_;
  std::map<SessionId, Peer> peers_;
  Admission waiting_;
  Quota sessions_;
  SessionId next_ = 1;
  Acceptor acceptor_;  // last: it calls accepted()
};

}  // namespace dm::master
