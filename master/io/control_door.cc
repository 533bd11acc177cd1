// How operators come in and go: what they must prove before ControlPort hears a command of theirs.
#include <unistd.h>

#include "common/io/net.h"
#include "common/io/system.h"
#include "common/names.h"
#include "common/shell_words.h"
#include "master/io/control_port.h"

namespace dm::master {
namespace {

constexpr std::size_t kGreetingLine = 1024;
constexpr std::int64_t kGreetingMs = 5000;
constexpr int kUserTimeoutMs = 10'000;
constexpr std::int64_t kLookMs = 2000;
// Of a key, an address or a user, and of a door.
constexpr std::size_t kUploadsPerOwner = 16, kUploadsAtDoor = 64;
// When a log's sender stops: many slow readers of logs must not fill the budget.
constexpr std::size_t kSlowMark = 1024 * 1024;

}  // namespace

ControlPort::ControlPort(Hub& hub, std::vector<GroupRole> groups,
                         std::function<void(RequestId)> on_drained)
    : hub_(hub),
      groups_(std::move(groups)),
      on_drained_(std::move(on_drained)),
      uploads_{Turns(kUploadsPerOwner, kUploadsAtDoor), Turns(kUploadsPerOwner, kUploadsAtDoor),
               Turns(kUploadsPerOwner, kUploadsAtDoor)} {
  look_around();
}

void ControlPort::listen(Fd listener, bool is_unix) {
  acceptors_.push_back(
      std::make_unique<Acceptor>(hub_.loop, std::move(listener),
                                 [this, is_unix](Fd fd) { accepted(std::move(fd), is_unix); }));
}

void ControlPort::accepted(Fd fd, bool is_unix) {
  const PeerId id = next_peer_++;
  Peer& peer = peers_[id];
  peer.is_unix = is_unix;
  peer.asker.from = peer_name(fd.get());
  peer.host = peer_host(fd.get());
  peer.nonce = is_unix ? "" : random_hex(16);
  if (is_unix) identify(peer, fd.get());
  const std::string greeting =
      is_unix ? "" : Line("DM").add("proto", 1).add("nonce", peer.nonce).print();
  if (!is_unix) tune_tcp(fd.get(), kUserTimeoutMs);
  start(id, {std::move(fd), "", greeting, std::nullopt});
  if (peer.greeted && let_in(id, peer)) return;
  if (!is_unix) peer.connection->set_max_line(kGreetingLine);
  peer.timer = hub_.loop.at(hub_.loop.now().mono_ms + kGreetingMs, [this, id] {
    Peer& late = peers_[id];
    if (late.is_unix) return send_off(late, "");
    refuse(late, fail(Code::kTimeout, "no HELLO within 5 s"));
  });
  wait(id, peer);
}

void ControlPort::wait(PeerId id, const Peer& peer) {
  const auto pushed_out = places_.wait(id, peer.door, peer.host);
  if (!pushed_out) return;
  turn_away(peers_[*pushed_out], "too many wait without a HELLO");
  peers_[*pushed_out].connection->drop("pushed out by a newcomer");
}

// The kernel says who is at the other end of a Unix socket.
void ControlPort::identify(Peer& peer, int fd) {
  const auto uid = peer_uid(fd);
  const bool is_ours = uid && (*uid == 0 || *uid == ::geteuid());
  const auto role = is_ours ? Role::kAdmin : role_of_groups(groups_, peer_groups(fd));
  peer.asker.who = uid ? user_name(*uid) : "somebody";
  peer.host = peer.asker.who;
  peer.may_open_paths = is_ours;
  peer.door = is_ours ? Door::kOwners : Door::kGroups;
  peer.greeted = role.has_value();
  peer.role = role.value_or(Role::kViewer);
}

// Whoever is not wanted on a Unix socket is told so when it has said something: only then is it
// known in which form.
void ControlPort::send_off(Peer& peer, std::string_view text) {
  const auto line = parse_line(text);
  const std::string request = line ? std::string(line->text("id")) : "";
  if (peer.no_place) return refuse(peer, no_place(), request);
  refuse(peer,
         fail(Code::kDenied, "user " + peer.asker.who +
                                 " is neither this master's nor root, nor in a group that "
                                 "--control-group lets in"),
         request);
}

Error ControlPort::no_place() {
  return fail(Code::kBusy, "too many connections of that peer, or in all");
}

bool ControlPort::let_in(PeerId id, Peer& peer) {
  peer.greeted = places_.enter(id, peer.door, peer.host, peer.credential.name);
  peer.no_place = !peer.greeted;
  if (!peer.greeted) return false;
  hub_.loop.cancel(peer.timer);
  peer.connection->set_max_line(kMaxLine);
  peer.patience = OperatorPatience(hub_.loop.now().mono_ms);
  return true;
}

// Every few seconds: who keeps still for too long has to go.
void ControlPort::look_around() {
  const std::int64_t now = hub_.loop.now().mono_ms;
  for (auto& [id, peer] : peers_) {
    if (!peer.greeted || peer.away || peer.connection->closed()) continue;
    const LineConnection& connection = *peer.connection;
    const auto verdict =
        peer.patience.look({!peer.is_unix, !peer.requests.empty(), connection.queued() > 0,
                            connection.unread() > 0, connection.moved()},
                           now);
    if (verdict == OperatorPatience::Verdict::kDeaf)
      peer.connection->drop(std::string(LineConnection::kDoesNotRead));
    if (verdict == OperatorPatience::Verdict::kIdle)
      refuse(peer, fail(Code::kTimeout, "nothing was asked for 5 min"));
  }
  hub_.loop.at(now + kLookMs, [this] { look_around(); });
}

void ControlPort::start(PeerId id, LineConnection::Released released) {
  set_blocking(released.fd.get(), false);
  Peer& peer = peers_[id];
  peer.connection =
      std::make_unique<LineConnection>(hub_.loop, std::move(released.fd), kMaxLine, kMaxQueue);
  peer.connection->answer_first();
  if (!peer.is_unix) peer.connection->set_slow_mark(kSlowMark);
  if (released.seals) peer.connection->set_seals(std::move(*released.seals));
  LineConnection::Handlers handlers;
  handlers.on_line = [this, id](std::string_view text) { on_line(id, text); };
  handlers.on_end = [this, id] { on_end(id); };
  handlers.on_closed = [this, id](const std::string& why) { on_closed(id, why); };
  handlers.on_too_long = [this, id] {
    refuse(peers_[id], fail(Code::kTooLong, "a line is longer than 64 KiB"));
  };
  handlers.on_drained = [this, id] {
    const std::set<RequestId> requests = peers_[id].requests;
    for (RequestId request : requests) on_drained_(request);
  };
  peer.connection->start(std::move(handlers), released.unread, released.unsent);
}

void ControlPort::on_hello(PeerId id, Peer& peer, std::string_view text) {
  const auto hello = parse_line(text);
  const bool fits = hello && hello->verb() == "HELLO" && hello->number_or("proto", 0) == 1 &&
                    hello->text("as") == "control";
  const bool is_worker = hello && hello->verb() == "HELLO" && hello->text("as") != "control";
  if (is_worker)
    return refuse(peer, fail(Code::kBadLine,
                             "this port is for operators (HELLO as=control); a worker connects to "
                             "the address of --listen"));
  if (!fits)
    return refuse(
        peer, fail(Code::kBadLine, "expected HELLO proto=1 as=control: this port speaks to dm"));
  peer.asker.who = hello->text("name");
  auto accepted = admit(peer, *hello);
  if (!accepted) return refuse(peer, accepted.error());
  if (!let_in(id, peer)) return refuse(peer, no_place());
  Line welcome("WELCOME");
  if (*accepted) welcome.add("proof", (*accepted)->master_proof(welcome));
  peer.connection->send_line(welcome);
  if (*accepted) peer.connection->set_seals((*accepted)->seals_of_master());
}

// With keys a peer must prove one, and its role is the key's. Without, it is what it says, and the
// audit trail says that nobody knows. Error: denied, the same for whatever was wrong.
Result<std::optional<Handshake>> ControlPort::admit(Peer& peer, const Line& hello) {
  const std::string name = peer.asker.who;
  if (hub_.keys.is_open()) {
    peer.asker.who = is_worker_name(name) ? name + " (unproven)" : "anybody";
    return std::optional<Handshake>();
  }
  auto accepted =
      hub_.keys.verify(hello, peer.nonce, KeyKind::kControl, hub_.cluster.least_generation(name));
  if (!accepted) return fail(Code::kDenied, "not accepted");
  peer.role = role_of_key(hello.text("key"));
  peer.credential = std::move(accepted->credential);
  return std::optional(std::move(accepted->handshake));
}

// An answer, and the end. A guest keeps its waiting place until it is gone.
void ControlPort::refuse(Peer& peer, const Error& error, const std::string& request) {
  if (!peer.greeted)
    turn_away(peer, error.code == Code::kDenied && !peer.is_unix ? "no valid key" : error.message);
  hub_.loop.cancel(peer.timer);
  answer(peer, request, error);
  peer.connection->finish();
}

void ControlPort::turn_away(const Peer& peer, const std::string& why) {
  hub_.dispatch(TurnedAway{peer.asker.from, peer.asker.who, why});
}

void ControlPort::recheck_keys() {
  for (auto& [id, peer] : peers_)
    if (!hub_.holds(peer.credential)) peer.connection->finish();
}

// The peer has sent its last line; what it asked for is still answered.
void ControlPort::on_end(PeerId id) {
  Peer& peer = peers_[id];
  peer.ended = true;
  if (peer.command.waiting())
    if (const auto words = split_words(peer.command.give_up()); !words)
      answer(peer, "", words.error());
  if (peer.requests.empty()) peer.connection->finish();
}

void ControlPort::on_closed(PeerId id, const std::string& why) {
  auto node = peers_.extract(id);
  if (node.empty()) return;
  const Peer& peer = node.mapped();
  hub_.loop.cancel(peer.timer);
  places_.leave(id);
  if (why == LineConnection::kDoesNotRead || why == kTooMuchUnsent) turn_away(peer, why);
  for (RequestId request : peer.requests) {
    asked_.erase(request);
    hub_.dispatch(Cancel{request});
  }
}

}  // namespace dm::master
