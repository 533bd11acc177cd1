// usage: dm-bench-epoll [beats]
// The least that a master of idle workers can be: greets everybody who connects, then only reads
// what comes; with `beats` also sends each a BEAT a second. Prints its port; runs until killed.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Reader {
  int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  bool beats = false;
  std::vector<int> peers;
  std::vector<bool> welcomed;  // by descriptor
  std::size_t next_beat = 0;
  Clock::time_point round = Clock::now();  // when the present second of beats began
};

void say(int fd, std::string_view text) {
  (void)!::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void watch(Reader& reader, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  (void)::epoll_ctl(reader.epoll, EPOLL_CTL_ADD, fd, &event);
}

void accept_all(Reader& reader) {
  int fd;
  while ((fd = ::accept4(reader.listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    const int on = 1;
    (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(reader, fd);
    reader.welcomed.resize(std::max(reader.welcomed.size(), static_cast<std::size_t>(fd) + 1));
    say(fd, "DM proto=1 nonce=00000000000000000000000000000000\n");
  }
}

void read_some(Reader& reader, int fd) {
  char bytes[16 * 1024];
  const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
  if (got <= 0) return (void)::close(fd);
  if (reader.welcomed[static_cast<std::size_t>(fd)]) return;
  reader.welcomed[static_cast<std::size_t>(fd)] = true;
  reader.peers.push_back(fd);
  say(fd,
      "WELCOME cluster=0 epoch=1-0000000000000000 heartbeat_ms=1000 missed=2\n"
      "ERR id=swarm code=unknown-verb\n");
}

// Spread over the second, as the workers' own beats are.
void send_beats(Reader& reader) {
  const std::chrono::duration<double> passed = Clock::now() - reader.round;
  const auto due =
      std::min(reader.peers.size(),
               static_cast<std::size_t>(passed.count() * static_cast<double>(reader.peers.size())));
  for (; reader.next_beat < due; ++reader.next_beat)
    say(reader.peers[reader.next_beat], "BEAT seq=1000\n");
  if (passed.count() < 1) return;
  reader.next_beat = 0;
  reader.round = Clock::now();
}

void serve(Reader& reader) {
  epoll_event events[512];
  const int count = ::epoll_wait(reader.epoll, events, 512, 10);
  for (int i = 0; i < count; ++i) {
    const int fd = events[i].data.fd;
    if (fd == reader.listener)
      accept_all(reader);
    else
      read_some(reader, fd);
  }
  if (reader.beats) send_beats(reader);
}

}  // namespace

int main(int argc, char**) {
  Reader reader;
  reader.beats = argc > 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(reader.listener, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(reader.listener, 4096) != 0)
    return 1;
  (void)::getsockname(reader.listener, reinterpret_cast<sockaddr*>(&address), &size);
  ::printf("%d\n", ntohs(address.sin_port));
  ::fflush(stdout);
  watch(reader, reader.listener);
  while (true) serve(reader);
}
