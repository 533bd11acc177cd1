#include "master/io/worker_port.h"

#include "common/io/net.h"
#include "common/io/system.h"
#include "common/sha256.h"

namespace dm::master {
namespace {

constexpr std::size_t kGreetingLine = 1024;
constexpr std::int64_t kGreetingMs = 5000;
constexpr std::size_t kMaxQueue = 8 * 1024 * 1024;
constexpr int kUserTimeoutMs = 5000;

bool is_worker_id(std::string_view id) {
  const bool hex = id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return id.empty() || (id.size() == 32 && hex);
}

}  // namespace

WorkerPort::WorkerPort(Hub& hub, Fd listener, BulkPort& bulk)
    : hub_(hub),
      bulk_(bulk),
      acceptor_(hub.loop, std::move(listener), [this](Fd fd) { accepted(std::move(fd)); }) {}

void WorkerPort::accepted(Fd fd) {
  tune_tcp(fd.get(), kUserTimeoutMs);
  const SessionId id = next_++;
  Peer& peer = peers_[id];
  peer.address = peer_name(fd.get());
  peer.connection =
      std::make_unique<LineConnection>(hub_.loop, std::move(fd), kGreetingLine, kMaxQueue);
  LineConnection::Handlers handlers;
  handlers.on_line = [this, id](std::string_view text) { on_line(id, text); };
  handlers.on_closed = [this, id](const std::string& why) { on_closed(id, why); };
  handlers.on_too_long = [this, id] {
    refuse(peers_[id], fail(Code::kTooLong, "a line is too long"));
  };
  peer.connection->start(std::move(handlers));
  peer.nonce = random_hex(16);
  peer.connection->send_line(Line("DM").add("proto", 1).add("nonce", peer.nonce));
  peer.timer = hub_.loop.at(hub_.loop.now().mono_ms + kGreetingMs, [this, id] {
    refuse(peers_[id], fail(Code::kTimeout, "no HELLO within 5 s"));
  });
}

void WorkerPort::on_line(SessionId id, std::string_view text) {
  Peer& peer = peers_[id];
  const auto line = parse_line(text);
  if (!line) return refuse(peer, line.error());
  if (!peer.greeted) return on_hello(id, peer, *line);
  hub_.dispatch(SessionLine{id, *line});
}

void WorkerPort::on_hello(SessionId id, Peer& peer, const Line& hello) {
  if (hello.verb() != "HELLO") return refuse(peer, fail(Code::kBadLine, "expected HELLO"));
  if (hello.number_or("proto", 0) != 1)
    return refuse(peer, fail(Code::kBadArg, "this master speaks proto=1"));
  const std::string name(hello.text("name")), worker(hello.text("id"));
  if (!is_worker_id(worker)) return refuse(peer, fail(Code::kBadArg, "id= must be 32 hex digits"));
  const std::string_view as = hello.text("as", "session");
  if (!hub_.keys.is_open()) {
    peer.handshake =
        hub_.keys.verify(hello, peer.nonce, KeyKind::kWorker, hub_.cluster.least_generation(name));
    // One answer for every failure: which part was wrong is nobody's business.
    if (!peer.handshake) {
      hub_.dispatch(Refused{peer.address, name});
      return refuse(peer, fail(Code::kDenied, "not accepted"));
    }
  }
  hub_.loop.cancel(peer.timer);
  if (as == "bulk") {
    if (!hub_.cluster.is_connected(name, worker))
      return refuse(peer, fail(Code::kDenied, "no session of that worker"));
    welcome(peer, Line("WELCOME"));
    auto released = peer.connection->release();
    bulk_.adopt(std::move(released), name);
    hub_.loop.later([this, id] { peers_.erase(id); });
    return;
  }
  if (as != "session")
    return refuse(peer, fail(Code::kDenied, "as= must be session or bulk on this port"));
  peer.greeted = true;
  peer.name = name;
  peer.connection->set_max_line(kMaxLine);
  hub_.dispatch(SessionOpened{id, name, worker, peer.address});
}

void WorkerPort::refuse(Peer& peer, const Error& error) {
  Line line("ERR");
  line.add("code", word(error.code)).add("msg", error.message);
  peer.connection->send_line(line);
  peer.connection->finish();
}

// Ours to prove as well; from here on lines are sealed.
void WorkerPort::welcome(Peer& peer, Line line) {
  if (peer.handshake) line.add("proof", peer.handshake->master_proof(line));
  peer.connection->send_line(line);
  if (peer.handshake) peer.connection->set_seals(peer.handshake->seals_of_master());
  peer.handshake.reset();
}

void WorkerPort::send(SessionId session, const Line& line) {
  const auto found = peers_.find(session);
  if (found == peers_.end()) return;
  if (line.verb() == "WELCOME") return welcome(found->second, line);
  found->second.connection->send_line(line);
}

void WorkerPort::close(SessionId session, const std::string&) {
  const auto found = peers_.find(session);
  if (found != peers_.end()) found->second.connection->finish();
}

void WorkerPort::on_closed(SessionId id, const std::string& why) {
  auto node = peers_.extract(id);
  if (node.empty()) return;
  hub_.loop.cancel(node.mapped().timer);
  if (node.mapped().greeted) hub_.dispatch(SessionClosed{id, why});
}

}  // namespace dm::master
