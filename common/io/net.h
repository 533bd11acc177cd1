// common/io/net.h - addresses and sockets. Decides nothing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/io/fd.h"
#include "common/result.h"

namespace dm {

// HOST:PORT, [V6]:PORT, or a path (anything with a '/') of a Unix socket.
struct Endpoint {
  std::string host;  // empty for a Unix socket
  std::uint16_t port = 0;
  std::string path;

  bool is_unix() const { return !path.empty(); }
  std::string print() const;
};
// Errors: bad-arg, with what is wrong.
Result<Endpoint> parse_endpoint(std::string_view text);

// True if a host is a numeric loopback address or "localhost".
bool is_loopback(const Endpoint& endpoint);

// A listening, non-blocking socket. Unix sockets get mode 0600; a socket file that nobody listens
// on is replaced, one with a living listener is busy.
Result<Fd> listen_on(const Endpoint& endpoint);

// A socket that is connecting or connected, non-blocking, to the first address of the host. May
// look a name up: for helper threads, unless the host is numeric.
Result<Fd> start_connect(const Endpoint& endpoint);
// A connected, blocking socket to the first address of the host that answers; gives each
// `timeout_ms`. For helper threads and clients.
Result<Fd> connect_blocking(const Endpoint& endpoint, int timeout_ms);
// The outcome of a connect that was under way: 0 or an errno.
int connect_error(int fd);

// accept4: non-blocking, close-on-exec; nullopt if nobody waits (errno says so).
std::optional<Fd> accept_from(int listener);

// "ADDRESS:PORT" of this or the other end; "unix" for Unix sockets.
std::string local_name(int fd);
std::string peer_name(int fd);

// Where the other end is, for counting: its address without the port; of IPv6 the first 64 bits,
// for whoever has one such address has them all; "unix" for Unix sockets.
std::string peer_host(int fd);

// The user at the other end of a Unix socket; nullopt for any other socket.
std::optional<uid_t> peer_uid(int fd);
// All groups that it had when it connected; empty for any other socket.
std::vector<gid_t> peer_groups(int fd);

// TCP_NODELAY, keepalive, and TCP_USER_TIMEOUT where there is one: a peer that does not
// acknowledge what was sent for `user_timeout_ms` is gone. No effect on Unix sockets.
void tune_tcp(int fd, int user_timeout_ms);

void set_blocking(int fd, bool blocking);
// Limits on one blocking read or write.
void set_timeouts(int fd, int milliseconds);

}  // namespace dm
