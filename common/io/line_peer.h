// common/io/line_peer.h - a blocking connection that speaks lines and bodies: what helper threads
// and clients use. Decides nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/codec.h"
#include "common/handshake.h"
#include "common/io/fd.h"
#include "common/io/net.h"
#include "common/line_buffer.h"
#include "common/result.h"

namespace dm {

class LinePeer {
 public:
  // `cancel` outlives the peer; once it is true every call below ends soon. Errors: lost, with
  // why no connection can be had.
  static Result<LinePeer> connect(const Endpoint& endpoint, const std::atomic<bool>& cancel);

  // Over TCP the master speaks first: reads its DM, answers `hello`, reads WELCOME. Errors: the
  // master's own code and words if it refuses; lost for anything else. With a key both sides
  // prove that they have it, and every later line is sealed.
  Status greet(Line hello, const AccessKey* key);

  // Errors of all: timeout after 30 s without a byte (send() waits for ever: a slow reader is
  // not a dead one), lost for a cut or a cancelled wait. If the peer hung up with an ERR while
  // something was sent to it, that is the error.
  Status send(std::string_view bytes);
  Status send_line(const Line& line);
  // A line and the bytes it announces; under seals the line names their SHA-256 as well.
  Status send_body(Line line, std::string_view bytes);
  Result<Line> read_line();
  // 1 to `most` bytes of a body.
  Result<std::size_t> read_some(char* buffer, std::size_t most);

  int fd() const { return fd_.get(); }
  // Gives the socket away. REQUIRES that everything read has been handed out.
  struct Released {
    Fd fd;
    std::optional<Seals> seals;
  };
  Released release() { return {std::move(fd_), std::move(seals_)}; }

 private:
  LinePeer(Fd fd, const std::atomic<bool>& cancel);
  Status wait(short events, std::int64_t limit_ms);
  Result<std::size_t> receive(char* buffer, std::size_t most);
  Error last_word(int error);

  Fd fd_;
  const std::atomic<bool>* cancel_;
  LineBuffer in_;
  std::optional<Seals> seals_;
};

}  // namespace dm
