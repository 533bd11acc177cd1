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
constexpr std::size_t kWaitingPlaces = 64;
constexpr std::size_t kSessionsPerHost = 1024, kSessionsInAll = 16384;

bool is_worker_id(std::string_view id) {
  const bool hex = id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return id.empty() || (id.size() == 32 && hex);
}

}  // namespace

WorkerPort::WorkerPort(Hub& hub, Fd listener, BulkPort& bulk)
    : hub_(hub),
      bulk_(bulk),
      waiting_(kWaitingPlaces),
      sessions_(kSessionsPerHost, kSessionsInAll),
      acceptor_(hub.loop, std::move(listener), [this](Fd fd) { accepted(std::move(fd)); }) {}

void WorkerPort::accepted(Fd fd) {
  tune_tcp(fd.get(), kUserTimeoutMs);
  const SessionId id = next_++;
  Peer& peer = peers_[id];
  peer.address = peer_name(fd.get());
  peer.host = peer_host(fd.get());
  const auto pushed_out = waiting_.enter(id, peer.host);
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
  if (!pushed_out) return;
  turn_away(peers_[*pushed_out], "too many wait without a HELLO");
  peers_[*pushed_out].connection->drop("pushed out by a newcomer");
}

void WorkerPort::on_line(SessionId id, std::string_view text) {
  Peer& peer = peers_[id];
  const auto line = parse_line(text);
  if (!line) return refuse(peer, line.error());
  if (!peer.greeted) return on_hello(id, peer, *line);
  hub_.dispatch(SessionLine{id, *line});
}

void WorkerPort::on_hello(SessionId id, Peer& peer, const Line& hello) {
  peer.name = hello.text("name");
  if (const auto wrong = wrong_form(hello)) return refuse(peer, *wrong);
  // One answer for every failure: which part was wrong is nobody's business.
  if (!hub_.keys.is_open() && !proves_key(peer, hello))
    return refuse(peer, fail(Code::kDenied, "not accepted"), "no valid key");
  hub_.loop.cancel(peer.timer);
  if (hello.text("as") == "bulk") return open_bulk(id, peer, hello);
  open_session(id, peer, hello);
}

std::optional<Error> WorkerPort::wrong_form(const Line& hello) const {
  if (hello.verb() != "HELLO") return fail(Code::kBadLine, "expected HELLO");
  const std::string_view as = hello.text("as", "session");
  if (as == "control")
    return fail(Code::kDenied,
                "this port is for workers; an operator connects to an address of --control");
  if (hello.number_or("proto", 0) != 1) return fail(Code::kBadArg, "this master speaks proto=1");
  if (!is_worker_id(hello.text("id"))) return fail(Code::kBadArg, "id= must be 32 hex digits");
  if (as != "session" && as != "bulk")
    return fail(Code::kDenied, "as= must be session or bulk on this port");
  return std::nullopt;
}

bool WorkerPort::proves_key(Peer& peer, const Line& hello) {
  auto accepted = hub_.keys.verify(hello, peer.nonce, KeyKind::kWorker,
                                   hub_.cluster.least_generation(peer.name));
  if (!accepted) return false;
  peer.handshake = std::move(accepted->handshake);
  peer.credential = std::move(accepted->credential);
  return true;
}

void WorkerPort::open_bulk(SessionId id, Peer& peer, const Line& hello) {
  if (!hub_.cluster.is_connected(peer.name, std::string(hello.text("id"))))
    return refuse(peer, fail(Code::kDenied, "no session of that worker"));
  if (!bulk_.has_room(peer.name))
    return refuse(peer, fail(Code::kBusy, "too many bulk connections of that worker"));
  waiting_.leave(id);
  welcome(peer, Line("WELCOME"));
  bulk_.adopt(peer.connection->release(), peer.name, peer.credential);
  hub_.loop.later([this, id] { peers_.erase(id); });
}

void WorkerPort::open_session(SessionId id, Peer& peer, const Line& hello) {
  if (!sessions_.enter(id, peer.host))
    return refuse(peer, fail(Code::kBusy, "too many sessions from that address, or in all"));
  waiting_.leave(id);
  peer.greeted = true;
  peer.connection->set_max_line(kMaxLine);
  // Until WELCOME is out there are no seals, and what comes now could be anybody's.
  peer.connection->pause();
  hub_.dispatch(SessionOpened{id, peer.name, std::string(hello.text("id")), peer.address});
}

// A guest keeps its place until it is gone: what still lingers counts too.
void WorkerPort::refuse(Peer& peer, const Error& error, const std::string& why) {
  if (!peer.greeted) turn_away(peer, why.empty() ? error.message : why);
  hub_.loop.cancel(peer.timer);
  Line line("ERR");
  line.add("code", word(error.code)).add("msg", error.message);
  peer.connection->send_line(line);
  peer.connection->finish();
}

void WorkerPort::turn_away(const Peer& peer, const std::string& why) {
  hub_.dispatch(TurnedAway{peer.address, peer.name, why});
}

void WorkerPort::recheck_keys() {
  for (auto& [id, peer] : peers_)
    if (!hub_.holds(peer.credential)) peer.connection->finish();
}

// Ours to prove as well; from here on lines are sealed.
void WorkerPort::welcome(Peer& peer, Line line) {
  if (peer.handshake) line.add("proof", peer.handshake->master_proof(line));
  peer.connection->send_line(line);
  if (peer.handshake) peer.connection->set_seals(peer.handshake->seals_of_master());
  peer.handshake.reset();
  peer.connection->resume();
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
  const Peer& peer = node.mapped();
  hub_.loop.cancel(peer.timer);
  waiting_.leave(id);
  sessions_.leave(id);
  if (why == LineConnection::kDoesNotRead) turn_away(peer, why);
  if (peer.greeted) hub_.dispatch(SessionClosed{id, why});
}

}  // namespace dm::master
