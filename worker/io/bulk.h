// worker/io/bulk.h - a blocking connection to the master for files and logs, apart from the
// session. For helper threads only; decides nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/codec.h"
#include "common/io/fd.h"
#include "common/io/net.h"
#include "common/line_buffer.h"
#include "common/result.h"

namespace dm {

// Whom to dial, and as whom.
struct BulkTarget {
  Endpoint master;
  std::string name;  // the worker's
  std::string id;    // of its root directory
};

class BulkPeer {
 public:
  // Connects and greets. `cancel` outlives the peer; once it is true every call below ends soon.
  // Errors: lost for a connection that cannot be had, the master's own code and words if it
  // refuses.
  static Result<BulkPeer> dial(const BulkTarget& target, const std::atomic<bool>& cancel);

  // Errors of all: timeout after 30 s without a byte (send() waits for ever: a slow follower is
  // not a dead one), lost for a cut or a cancelled wait.
  Status send(std::string_view bytes);
  Result<Line> read_line();
  // 1 to `most` bytes of a body.
  Result<std::size_t> read_some(char* buffer, std::size_t most);

  int fd() const { return fd_.get(); }

 private:
  BulkPeer(Fd fd, const std::atomic<bool>& cancel);
  Status wait(short events, std::int64_t limit_ms);
  Result<std::size_t> receive(char* buffer, std::size_t most);
  Status greet(const BulkTarget& target);

  Fd fd_;
  const std::atomic<bool>* cancel_;
  LineBuffer in_;
};

}  // namespace dm
