#include "common/io/net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <memory>
#include <vector>

#include "common/codec.h"
#include "common/escape.h"
#include "common/io/failpoint.h"
#include "common/io/system.h"

namespace dm {
namespace {

constexpr socklen_t kMostGroups = 65536;  // NGROUPS_MAX of Linux

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  int family = AF_UNSPEC;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Result<Address> unix_address(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path)
    return fail(Code::kBadArg, "socket path is longer than 107 bytes: " + path);
  ::memcpy(name.sun_path, path.data(), path.size());
  Address address;
  ::memcpy(&address.storage, &name, sizeof name);
  address.size = static_cast<socklen_t>(sizeof name);
  address.family = AF_UNIX;
  return address;
}

// Every address of an endpoint, in the resolver's order; at least one.
Result<std::vector<Address>> resolve(const Endpoint& endpoint, bool passive) {
  if (endpoint.is_unix()) {
    auto address = unix_address(endpoint.path);
    if (!address) return address.error();
    return std::vector<Address>{*address};
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0);
  addrinfo* list = nullptr;
  const std::string port = std::to_string(endpoint.port);
  const int error = ::getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &list);
  if (error != 0)
    return fail(Code::kNotFound, "look up " + endpoint.host + ": " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, &::freeaddrinfo);
  std::vector<Address> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    Address address;
    ::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.size = entry->ai_addrlen;
    address.family = entry->ai_family;
    addresses.push_back(address);
  }
  return addresses;
}

Fd make_socket(int family) {
  return Fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

std::string print_address(const sockaddr_storage& storage) {
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    ::memcpy(&v4, &storage, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    ::memcpy(&v6, &storage, sizeof v6);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  return "unix";
}

// A socket file left by a dead listener is in the way; one with a living listener is not ours.
Status clear_stale(const Endpoint& endpoint) {
  struct stat info {};
  if (::lstat(endpoint.path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode))
    return fail(Code::kExists, endpoint.path + " is there and is no socket");
  if (start_connect(endpoint)) return fail(Code::kBusy, endpoint.path + " has a listener already");
  ::unlink(endpoint.path.c_str());
  return {};
}

}  // namespace

std::string Endpoint::print() const {
  if (is_unix()) return path;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  Endpoint endpoint;
  if (text.find("://") != std::string_view::npos)
    return fail(Code::kBadArg, "expected HOST:PORT or a path, not an URL: '" + excerpt(text) + "'");
  if (text.find('/') != std::string_view::npos) {
    endpoint.path = text;
    return endpoint;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0)
    return fail(Code::kBadArg,
                "expected HOST:PORT or a path with a '/', got '" + std::string(text) + "'");
  const auto port = parse_integer(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535)
    return fail(Code::kBadArg,
                "a port is 0 to 65535, got '" + std::string(text.substr(colon + 1)) + "'");
  std::string_view host = text.substr(0, colon);
  const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (in_brackets) host = host.substr(1, host.size() - 2);
  if (!in_brackets && host.find(':') != std::string_view::npos)
    return fail(Code::kBadArg, "an IPv6 address stands in brackets, such as [::1]:7400; got '" +
                                   excerpt(text) + "'");
  endpoint.host = host;
  endpoint.port = static_cast<std::uint16_t>(*port);
  return endpoint;
}

bool is_loopback(const Endpoint& endpoint) {
  if (endpoint.is_unix() || endpoint.host == "localhost") return true;
  in_addr v4{};
  if (::inet_pton(AF_INET, endpoint.host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return ::inet_pton(AF_INET6, endpoint.host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

Result<Fd> listen_on(const Endpoint& endpoint) {
  const auto addresses = resolve(endpoint, true);
  if (!addresses) return addresses.error();
  const Address* address = &addresses->front();
  if (endpoint.is_unix())
    if (auto cleared = clear_stale(endpoint); !cleared) return cleared.error();
  Fd fd = make_socket(address->family);
  if (!fd.valid()) return system_error("open a socket for", endpoint.print());
  const int on = 1;
  if (!endpoint.is_unix()) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // The mode is set before anybody can connect: bind makes the file, listen opens it.
  if (::bind(fd.get(), address->get(), address->size) != 0)
    return system_error("listen on", endpoint.print());
  if (endpoint.is_unix()) ::chmod(endpoint.path.c_str(), 0600);
  if (::listen(fd.get(), 512) != 0) return system_error("listen on", endpoint.print());
  return fd;
}

namespace {

Result<Fd> begin_connect(const Address& address, const Endpoint& endpoint) {
  Fd fd = make_socket(address.family);
  if (!fd.valid()) return system_error("open a socket for", endpoint.print());
  if (::connect(fd.get(), address.get(), address.size) != 0 && errno != EINPROGRESS)
    return system_error("connect to", endpoint.print());
  return fd;
}

Result<Fd> await_connect(Fd fd, const Endpoint& endpoint, int timeout_ms) {
  pollfd waiting{fd.get(), POLLOUT, 0};
  const int ready = retry([&] { return ::poll(&waiting, 1, timeout_ms); });
  if (ready == 0) return fail(Code::kTimeout, "connect to " + endpoint.print() + ": no answer");
  if (const int error = connect_error(fd.get()); error != 0)
    return system_error("connect to", endpoint.print(), error);
  set_blocking(fd.get(), true);
  return fd;
}

}  // namespace

Result<Fd> start_connect(const Endpoint& endpoint) {
  const auto addresses = resolve(endpoint, false);
  if (!addresses) return addresses.error();
  return begin_connect(addresses->front(), endpoint);
}

Result<Fd> connect_blocking(const Endpoint& endpoint, int timeout_ms) {
  const auto addresses = resolve(endpoint, false);
  if (!addresses) return addresses.error();
  Result<Fd> outcome = fail(Code::kLost, "connect to " + endpoint.print() + ": no address");
  // A name may stand for several addresses, of which not every one has a listener.
  for (const Address& address : *addresses) {
    outcome = begin_connect(address, endpoint);
    if (outcome) outcome = await_connect(std::move(*outcome), endpoint, timeout_ms);
    if (outcome) break;
  }
  return outcome;
}

int connect_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

std::optional<Fd> accept_from(int listener) {
  if (fails_at("accept")) return std::nullopt;
  const int fd =
      retry([&] { return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); });
  if (fd < 0) return std::nullopt;
  return Fd(fd);
}

std::string local_name(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return "unknown";
  return print_address(storage);
}

std::string peer_name(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return "unknown";
  return print_address(storage);
}

std::string peer_host(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return "unknown";
  char text[INET6_ADDRSTRLEN] = "unix";
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    ::memcpy(&v4, &storage, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    ::memcpy(&v6, &storage, sizeof v6);
    unsigned char* bytes = v6.sin6_addr.s6_addr;
    // An IPv4 address in disguise stands in the last four bytes.
    const bool is_v4 = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
    if (!is_v4) ::memset(bytes + 8, 0, 8);
    ::inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? bytes + 12 : bytes, text, sizeof text);
  }
  return text;
}

std::vector<gid_t> peer_groups(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid == 0) return {};
  std::vector<gid_t> groups;
#ifdef SO_PEERGROUPS
  socklen_t bytes = kMostGroups * sizeof(gid_t);
  groups.resize(kMostGroups);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes) != 0) bytes = 0;
  groups.resize(bytes / sizeof(gid_t));
#endif
  groups.push_back(peer.gid);
  return groups;
}

std::optional<uid_t> peer_uid(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  if (peer.pid == 0) return std::nullopt;  // what TCP sockets answer
  return peer.uid;
}

void tune_tcp(int fd, int user_timeout_ms) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
#ifdef TCP_USER_TIMEOUT
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof user_timeout_ms);
#else
  (void)user_timeout_ms;
#endif
}

void set_blocking(int fd, bool blocking) {
  const int flags = ::fcntl(fd, F_GETFL);
  ::fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

void set_timeouts(int fd, int milliseconds) {
  timeval limit{};
  limit.tv_sec = milliseconds / 1000;
  limit.tv_usec = (milliseconds % 1000) * 1000;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

}  // namespace dm
