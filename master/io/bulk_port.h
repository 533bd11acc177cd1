// master/io/bulk_port.h - connections that carry files to workers and logs from them. A file goes
// out from a helper thread by sendfile; a log is passed on as fast as its reader takes it.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/io/line_connection.h"
#include "common/sha256.h"
#include "master/io/hub.h"
#include "master/io/log_router.h"

namespace dm::master {

class BulkPort {
 public:
  // `router` takes what the streams bring; it says false where one is to be paused, and then
  // resume() is to be called.
  BulkPort(Hub& hub, LogRouter& router) : hub_(hub), router_(router) {}

  // A connection that said HELLO as=bulk for `worker`; it is welcomed.
  void adopt(LineConnection::Released released, const std::string& worker,
             const std::optional<Handshake>& handshake, const Credential& credential);
  // Of one worker and in all only so many.
  bool has_room(const std::string& worker) const;
  // Hangs up on whoever came in by a key that no longer holds.
  void recheck_keys();

  // A STREAM id=order of that worker may come now.
  void expect(const std::string& order, const std::string& worker);
  // The worker has sent it: one that does not begin within 15 s was cut on its way.
  void due(const std::string& order);
  void drop(const std::string& order);
  // The reader of a log takes bytes again.
  void resume(const std::string& order);

 private:
  struct Peer {
    std::unique_ptr<LineConnection> connection;
    std::string worker;
    Credential credential;
    std::string order;  // of the stream under way
    Sha256 hash;
    std::int64_t received = 0;
    std::int64_t announced = 0;  // bytes that the log had when the stream began
    std::int64_t told = 0;       // of `received`, as progress
  };

  void start(std::uint64_t id, LineConnection::Released released);
  void on_line(std::uint64_t id, std::string_view text);
  void fetch(std::uint64_t id, Peer& peer, const Line& line);
  void stream(Peer& peer, const Line& line);
  void chunk(Peer& peer, const Line& line);
  void cut(Peer& peer, const Line& line);
  void end(Peer& peer, const Line& line);
  void on_body(std::uint64_t id, std::string_view bytes);
  void on_closed(std::uint64_t id, const std::string& why);
  void refuse(Peer& peer, const Error& error);

  Hub& hub_;
  LogRouter& router_;
  std::map<std::uint64_t, Peer> peers_;
  std::map<std::string, std::string> expected_;  // order: worker
  std::uint64_t next_ = 1;
};

}  // namespace dm::master
