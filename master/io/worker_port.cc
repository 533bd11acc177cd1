#include "master/io/worker_port.h"

#include "common/io/net.h"
#include "common/sha256.h"

namespace dm::master {
namespace {

constexpr std::size_t kMaxQueue = 8 * 1024 * 1024;
// Orders wait while as many bytes are not yet with the kernel.
constexpr std::size_t kSlowMark = 256 * 1024;
constexpr std::int64_t kLookMs = 2000;
constexpr int kUserTimeoutMs = 5000;
constexpr std::size_t kMostBoot = 64;  // bytes
// A worker that comes back again and again has some that end beside the one that counts.
constexpr std::size_t kSessionsPerHost = 1024, kSessionsPerKey = 64, kSessionsInAll = 16384;

bool is_order(const Line& line) {
  return line.has("id") && line.verb() != "ERR";
}

// REQUIRES hex digits, two a byte.
std::string bytes_of(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return bytes;
}

bool is_worker_id(std::string_view id) {
  const bool hex = id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return id.empty() || (id.size() == 32 && hex);
}

}  // namespace

WorkerPort::WorkerPort(Hub& hub, Fd listener, BulkPort& bulk)
    : hub_(hub),
      bulk_(bulk),
      sessions_(kSessionsPerHost, kSessionsInAll),
      keyed_(kSessionsPerKey, kSessionsInAll),
      denials_(hub, KeyKind::kWorker),
      door_(hub.loop, {true, kUserTimeoutMs}, door_handlers()),
      acceptor_(hub.loop, std::move(listener), [this](Fd fd) { door_.enter(std::move(fd)); }) {
  look_around();
}

Door::Handlers WorkerPort::door_handlers() {
  return {[this](GuestId id, Door::Guest& guest, std::string_view text) {
            return on_hello(id, guest, text);
          },
          [this](const Door::Guest& guest, const std::string& why) {
            turn_away(guest.address, guest.name, why);
          }};
}

std::optional<Door::Refusal> WorkerPort::on_hello(GuestId id, Door::Guest& guest,
                                                  std::string_view text) {
  const auto hello = parse_hello(text, {"session", "bulk"},
                                 "workers connect here, operators at the master's --control");
  if (!hello) return Door::refusal(hello.error());
  guest.name = hello->text("name");
  if (!is_worker_id(hello->text("id")))
    return Door::refusal(fail(Code::kBadArg, "id= must be 32 hex digits"));
  auto proof = prove(guest, *hello);
  // One answer for every failure: which part was wrong is nobody's business.
  if (!proof) return denials_.deny(guest, *hello);
  const auto refused = hello->text("as") == "bulk"
                           ? open_bulk(id, guest, *hello, *proof)
                           : open_session(id, guest, *hello, std::move(*proof));
  if (refused) return Door::refusal(*refused);
  return std::nullopt;
}

std::optional<WorkerPort::Proof> WorkerPort::prove(const Door::Guest& guest,
                                                   const Line& hello) const {
  if (hub_.keys.is_open()) return Proof();
  auto accepted = hub_.keys.verify(hello, guest.nonce, KeyKind::kWorker,
                                   hub_.cluster.least_generation(guest.name));
  if (!accepted) return std::nullopt;
  return Proof{std::move(accepted->handshake), std::move(accepted->credential)};
}

std::optional<Error> WorkerPort::open_bulk(GuestId id, const Door::Guest& guest, const Line& hello,
                                           const Proof& proof) {
  if (!hub_.cluster.is_connected(guest.name, std::string(hello.text("id"))))
    return fail(Code::kDenied, "no session of that worker");
  if (!bulk_.has_room(guest.name))
    return fail(Code::kBusy, "too many bulk connections of that worker");
  bulk_.adopt(door_.take(id, proof.handshake.has_value()), guest.name, proof.handshake,
              proof.credential);
  return std::nullopt;
}

std::optional<Error> WorkerPort::open_session(GuestId id, const Door::Guest& guest,
                                              const Line& hello, Proof proof) {
  const SessionId session = next_++;
  const bool proved = proof.handshake.has_value();
  if (!(proved ? keyed_.enter(session, guest.name) : sessions_.enter(session, guest.host)))
    return fail(Code::kBusy, "too many sessions from that address or by that key, or in all");
  Peer& peer = peers_[session];
  peer.address = guest.address;
  peer.name = guest.name;
  SessionOpened opened{session, guest.name, std::string(hello.text("id")), guest.address};
  opened.boot = hello.text("boot").substr(0, kMostBoot);
  if (proof.handshake) {
    const std::string identity = hub_.cluster.identity_of(opened.id);
    opened.has_key = true;
    opened.is_identified =
        !identity.empty() &&
        proof_fits(hello.text("idproof"), identity_proof(bytes_of(identity), hello, guest.nonce));
    const std::string pad = proof.handshake->seal_identity(std::string(32, '\0'));
    opened.identity_pad = to_hex({reinterpret_cast<const std::uint8_t*>(pad.data()), pad.size()});
  }
  peer.handshake = std::move(proof.handshake);
  peer.credential = std::move(proof.credential);
  start(session, peer, door_.take(id, proved));
  hub_.dispatch(opened);
  return std::nullopt;
}

void WorkerPort::start(SessionId id, Peer& peer, LineConnection::Released released) {
  peer.connection =
      std::make_unique<LineConnection>(hub_.loop, std::move(released.fd), kMaxLine, kMaxQueue);
  LineConnection::Handlers handlers;
  handlers.on_line = [this, id](std::string_view text) { on_line(id, text); };
  handlers.on_closed = [this, id](const std::string& why) { on_closed(id, why); };
  handlers.on_too_long = [this, id] {
    refuse(peers_[id], fail(Code::kTooLong, "a line is too long"));
  };
  handlers.on_drained = [this, id] { send_orders(id, peers_[id]); };
  peer.connection->set_slow_mark(kSlowMark);
  // Until WELCOME is out there are no seals, and what comes now could be anybody's.
  peer.connection->pause();
  peer.connection->start(std::move(handlers), released.unread, released.unsent);
}

void WorkerPort::on_line(SessionId id, std::string_view text) {
  auto line = parse_line(text);
  Peer& peer = peers_[id];
  if (!line) return refuse(peer, line.error());
  if (line->verb() == "OK" || line->verb() == "ERR") answered(id, peer, line->text("id"));
  hub_.dispatch(SessionLine{id, std::move(*line)});
}

void WorkerPort::answered(SessionId id, Peer& peer, std::string_view order) {
  peer.orders.answered(order);
  peer.answered_ms = hub_.loop.now().mono_ms;
  if (!peer.orders.empty()) send_orders(id, peer);
}

void WorkerPort::refuse(Peer& peer, const Error& error) {
  peer.connection->send_line(Line("ERR").add("code", word(error.code)).add("msg", error.message));
  peer.connection->finish();
}

void WorkerPort::turn_away(const std::string& address, const std::string& name,
                           const std::string& why) {
  hub_.dispatch(TurnedAway{address, name, why});
}

void WorkerPort::recheck_keys() {
  for (auto& [id, peer] : peers_)
    if (!hub_.holds(peer.credential)) peer.connection->finish();
}

void WorkerPort::send(SessionId session, const Line& line) {
  const auto found = peers_.find(session);
  if (found == peers_.end()) return;
  Peer& peer = found->second;
  if (line.verb() == "WELCOME") {
    peer.connection->welcome(line, std::exchange(peer.handshake, std::nullopt));
    return peer.connection->resume();
  }
  if (!is_order(line)) return peer.connection->send_line(line);
  peer.orders.push(line);
  send_orders(session, peer);
}

void WorkerPort::send_orders(SessionId id, Peer& peer) {
  while (peer.connection->can_send() && !peer.connection->closed()) {
    const auto order = peer.orders.pop();
    if (!order) break;
    peer.connection->send_line(*order);
  }
  if (peer.orders.empty() || peer.connection->closed()) return void(backed_up_.erase(id));
  if (!backed_up_.insert(id).second) return;
  peer.taken = peer.connection->sent();
  peer.since_ms = peer.answered_ms = hub_.loop.now().mono_ms;
}

// Every few seconds, those whose orders wait: a worker that takes none of them has to go.
void WorkerPort::look_around() {
  const std::int64_t now = hub_.loop.now().mono_ms;
  const std::set<SessionId> backed_up = backed_up_;
  for (const SessionId id : backed_up) {
    look_at(peers_[id], now);
    send_orders(id, peers_[id]);
  }
  hub_.loop.at(now + kLookMs, [this] { look_around(); });
}

void WorkerPort::look_at(Peer& peer, std::int64_t now) {
  const std::uint64_t taken = std::exchange(peer.taken, peer.connection->sent());
  if (taken != peer.taken || peer.connection->queued() == 0) peer.since_ms = now;
  if (now - peer.since_ms >= kDeafMs)
    peer.connection->drop(std::string(LineConnection::kDoesNotRead));
  if (now - peer.answered_ms >= kOrderMs) peer.orders.give_up();
}

void WorkerPort::close(SessionId session, const std::string&) {
  const auto found = peers_.find(session);
  if (found != peers_.end()) found->second.connection->finish();
}

void WorkerPort::on_closed(SessionId id, const std::string& why) {
  auto node = peers_.extract(id);
  if (node.empty()) return;
  const Peer& peer = node.mapped();
  sessions_.leave(id);
  keyed_.leave(id);
  backed_up_.erase(id);
  if (why == LineConnection::kDoesNotRead) turn_away(peer.address, peer.name, why);
  hub_.dispatch(SessionClosed{id, why});
}

}  // namespace dm::master
