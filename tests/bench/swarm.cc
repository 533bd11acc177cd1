// usage: dm-bench-swarm HOST:PORT WORKERS [--prefix w] [--first 0] [--addresses N] [--ramp MS]
//                       [--secret-file F] [--status FILE]
// WORKERS workers in one process, without apps, until it is killed. They connect from --addresses
// different loopback addresses (one for 200 workers, unless told), the first ones spread over
// --ramp milliseconds. --status names a file that always holds one line of counts.
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <queue>
#include <vector>

#include "common/io/fd.h"
#include "common/io/key_file.h"
#include "common/io/net.h"
#include "common/io/system.h"
#include "tests/bench/swarm_worker.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

namespace dm::bench {
namespace {

using worker::kNever;

constexpr std::int64_t kStatusMs = 20;

struct Options {
  Endpoint master;
  std::int64_t workers = 0, first = 0, addresses = 0, ramp_ms = 3000;
  std::string prefix = "w", status;
  std::optional<AccessKey> secret;
};

class Swarm {
 public:
  explicit Swarm(const Options& options);
  [[noreturn]] void run();

 private:
  struct Peer {
    std::unique_ptr<SwarmWorker> worker;
    Fd fd;
    bool connecting = false, blocked = false;
    std::int64_t wakes_at = kNever;  // its entry in wakes_ that counts
  };
  using Wake = std::pair<std::int64_t, std::size_t>;

  void ready(std::size_t number, std::uint32_t events);
  void settle(std::size_t number);
  void dial(std::size_t number);
  void hang_up(std::size_t number);
  void flush(Peer& peer, std::size_t number);
  void watch(const Peer& peer, std::size_t number, int how);
  void wake(std::size_t number, std::int64_t at);
  int until_next() const;
  void run_due();
  void tell();

  Options options_;
  SwarmTotals totals_;
  std::vector<Peer> peers_;
  std::priority_queue<Wake, std::vector<Wake>, std::greater<>> wakes_;
  Fd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  Now now_ = read_clock();
  std::int64_t told_ms_ = 0;
  std::string told_;
};

Swarm::Swarm(const Options& options) : options_(options) {
  peers_.resize(static_cast<std::size_t>(options.workers));
  const AccessKey* secret = options_.secret ? &*options_.secret : nullptr;
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    const auto number = static_cast<std::int64_t>(i);
    peers_[i].worker =
        std::make_unique<SwarmWorker>(options.first + number, options.prefix, secret, totals_);
    wake(i, now_.mono_ms + number * options.ramp_ms / options.workers);
  }
}

void Swarm::run() {
  std::vector<epoll_event> events(1024);
  while (true) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), 1024, until_next());
    now_ = read_clock();
    for (int i = 0; i < count; ++i)
      ready(events[static_cast<std::size_t>(i)].data.u64,
            events[static_cast<std::size_t>(i)].events);
    run_due();
    tell();
  }
}

void Swarm::ready(std::size_t number, std::uint32_t events) {
  Peer& peer = peers_[number];
  if (!peer.fd.valid()) return;
  if (peer.connecting) {
    peer.connecting = false;
    if (connect_error(peer.fd.get()) != 0) return hang_up(number);
    tune_tcp(peer.fd.get(), 2000);
    watch(peer, number, EPOLL_CTL_MOD);
    peer.worker->on_up(now_);
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0) {
    char bytes[64 * 1024];
    const ssize_t got = retry([&] { return ::recv(peer.fd.get(), bytes, sizeof bytes, 0); });
    if (got == 0 || (got < 0 && errno != EAGAIN)) return hang_up(number);
    if (got > 0)
      peer.worker->on_bytes(std::string_view(bytes, static_cast<std::size_t>(got)), now_);
  }
  settle(number);
}

// Does what the worker asks for.
void Swarm::settle(std::size_t number) {
  Peer& peer = peers_[number];
  if (peer.fd.valid()) flush(peer, number);
  if (peer.worker->take_hang_up()) return hang_up(number);
  if (peer.worker->take_dial()) dial(number);
  wake(number, peer.worker->next_deadline());
}

void Swarm::dial(std::size_t number) {
  Peer& peer = peers_[number];
  peer.fd.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  (void)::setsockopt(peer.fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_in from{}, to{};
  from.sin_family = to.sin_family = AF_INET;
  const auto which =
      static_cast<std::uint32_t>(static_cast<std::int64_t>(number) % options_.addresses);
  from.sin_addr.s_addr = htonl((127U << 24) + 1 + which);
  to.sin_port = htons(options_.master.port);
  (void)::inet_pton(AF_INET, options_.master.host.c_str(), &to.sin_addr);
  const bool begun =
      ::bind(peer.fd.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0 &&
      (::connect(peer.fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 ||
       errno == EINPROGRESS);
  if (!begun) return hang_up(number);
  peer.connecting = true;
  peer.blocked = false;
  watch(peer, number, EPOLL_CTL_ADD);
}

void Swarm::hang_up(std::size_t number) {
  Peer& peer = peers_[number];
  peer.fd.reset();
  peer.connecting = peer.blocked = false;
  peer.worker->on_down(now_);
  wake(number, peer.worker->next_deadline());
}

void Swarm::flush(Peer& peer, std::size_t number) {
  std::string& unsent = peer.worker->unsent();
  if (peer.connecting) return;
  std::size_t gone = 0;
  while (gone < unsent.size()) {
    const ssize_t sent =
        ::send(peer.fd.get(), unsent.data() + gone, unsent.size() - gone, MSG_NOSIGNAL);
    if (sent <= 0) break;
    gone += static_cast<std::size_t>(sent);
  }
  unsent.erase(0, gone);
  if (unsent.capacity() > 64 * 1024 && unsent.empty()) unsent.shrink_to_fit();
  if (std::exchange(peer.blocked, !unsent.empty()) != peer.blocked)
    watch(peer, number, EPOLL_CTL_MOD);
}

void Swarm::watch(const Peer& peer, std::size_t number, int how) {
  epoll_event event{};
  event.events = EPOLLIN | (peer.connecting || peer.blocked ? EPOLLOUT : 0U);
  event.data.u64 = number;
  (void)::epoll_ctl(epoll_.get(), how, peer.fd.get(), &event);
}

// An entry that is due too early looks again; one that is due too late is replaced.
void Swarm::wake(std::size_t number, std::int64_t at) {
  Peer& peer = peers_[number];
  if (at >= peer.wakes_at) return;
  peer.wakes_at = at;
  wakes_.emplace(at, number);
}

int Swarm::until_next() const {
  if (wakes_.empty()) return 1000;
  return static_cast<int>(std::clamp<std::int64_t>(wakes_.top().first - now_.mono_ms, 0, 1000));
}

void Swarm::run_due() {
  while (!wakes_.empty() && wakes_.top().first <= now_.mono_ms) {
    const auto [at, number] = wakes_.top();
    wakes_.pop();
    Peer& peer = peers_[number];
    if (peer.wakes_at != at) continue;
    peer.wakes_at = kNever;
    peer.worker->on_tick(now_);
    settle(number);
  }
}

void Swarm::tell() {
  if (options_.status.empty() || now_.mono_ms < told_ms_ + kStatusMs) return;
  told_ms_ = now_.mono_ms;
  const auto part = [](std::string_view key, std::int64_t value) {
    return " " + std::string(key) + "=" + std::to_string(value);
  };
  const std::string text = "SWARM" + part("workers", options_.workers) + part("up", totals_.up) +
                           part("living", totals_.living) + part("launched", totals_.launched) +
                           part("hung_up", totals_.hung_up) + part("refused", totals_.refused) +
                           part("cut", totals_.cut) + part("orders", totals_.orders);
  if (text == told_) return;
  told_ = text;
  const std::string temp = options_.status + ".new";
  std::ofstream(temp) << text << "\n";
  (void)std::rename(temp.c_str(), options_.status.c_str());
}

bool read_options(int argc, char** argv, Options& options) {
  constexpr option kFlags[] = {{"prefix", required_argument, nullptr, 'p'},
                               {"first", required_argument, nullptr, 'f'},
                               {"addresses", required_argument, nullptr, 'a'},
                               {"ramp", required_argument, nullptr, 'r'},
                               {"secret-file", required_argument, nullptr, 's'},
                               {"status", required_argument, nullptr, 't'},
                               {nullptr, 0, nullptr, 0}};
  for (int flag; (flag = ::getopt_long(argc, argv, "", kFlags, nullptr)) != -1;) {
    switch (flag) {
      case 'p': options.prefix = ::optarg; break;
      case 'f': options.first = std::atoll(::optarg); break;
      case 'a': options.addresses = std::atoll(::optarg); break;
      case 'r': options.ramp_ms = std::atoll(::optarg); break;
      case 't': options.status = ::optarg; break;
      case 's': {
        auto secret = read_key_file(::optarg);
        if (!secret) return false;
        options.secret = std::move(*secret);
        break;
      }
      default: return false;
    }
  }
  if (argc - ::optind != 2) return false;
  const auto master = parse_endpoint(argv[::optind]);
  options.workers = std::atoll(argv[::optind + 1]);
  if (!master || options.workers < 1) return false;
  options.master = *master;
  if (options.addresses < 1) options.addresses = (options.workers + 199) / 200;
  return true;
}

}  // namespace
}  // namespace dm::bench

int main(int argc, char** argv) {
  dm::bench::Options options;
  if (!dm::bench::read_options(argc, argv, options)) {
    std::fputs("usage: dm-bench-swarm HOST:PORT WORKERS [OPTION]...\n", stderr);
    return 100;
  }
  dm::bench::Swarm(options).run();
}
