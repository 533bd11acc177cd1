// master/io/bulk_port.h - connections that carry files to workers and logs from them. A file goes
// out from a helper thread by sendfile; a log is passed on as fast as its reader takes it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/io/line_connection.h"
#include "common/sha256.h"
#include "master/io/hub.h"

namespace dm::master {

class BulkPort {
 public:
  // Where the bytes of a log go. False: no more for now; drained() will be called.
  using OnBytes = std::function<bool(RequestId, std::string_view)>;

  // How much of a log has come, of how much there was when it began.
  using OnProgress = std::function<void(const Progress&)>;

  // What the reader is told beside the bytes.
  using OnNote = std::function<void(RequestId, const std::string&)>;

  BulkPort(Hub& hub, OnBytes on_bytes, OnProgress on_progress, OnNote on_note)
      : hub_(hub),
        on_bytes_(std::move(on_bytes)),
        on_progress_(std::move(on_progress)),
        on_note_(std::move(on_note)) {}

  // A connection that said HELLO as=bulk for `worker`.
  void adopt(LineConnection::Released released, const std::string& worker);

  // A STREAM id=order of that worker may come now, and belongs to the request.
  void expect(const std::string& order, const std::string& worker, RequestId request);
  void drop(const std::string& order);
  // The reader of a log takes bytes again.
  void drained(RequestId request);

 private:
  struct Peer {
    std::unique_ptr<LineConnection> connection;
    std::string worker;
    std::string order;  // of the stream under way
    RequestId request = 0;
    Sha256 hash;
    std::int64_t received = 0;
    std::int64_t announced = 0;  // bytes that the log had when the stream began
    std::int64_t told = 0;       // of `received`, as progress
  };
  struct Expected {
    std::string worker;
    RequestId request = 0;
  };

  void start(std::uint64_t id, const std::string& worker, LineConnection::Released released);
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
  OnBytes on_bytes_;
  OnProgress on_progress_;
  OnNote on_note_;
  std::map<std::uint64_t, Peer> peers_;
  std::map<std::string, Expected> expected_;
  std::uint64_t next_ = 1;
};

}  // namespace dm::master
