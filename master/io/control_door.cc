// How operators come in and go: what they must prove before ControlPort hears a command of theirs.
#include <unistd.h>

#include "common/escape.h"
#include "common/io/net.h"
#include "common/names.h"
#include "common/shell_words.h"
#include "master/io/control_port.h"

namespace dm::master {
namespace {

constexpr int kUserTimeoutMs = 10'000;
constexpr std::int64_t kLookMs = 2000;
constexpr std::size_t kUnixPlaces = 64;  // to wait; of each entrance
// Of a key, an address or a user, and of a door.
constexpr std::size_t kUploadsPerOwner = 16, kUploadsAtDoor = 64;
// When a log's sender stops: many slow readers of logs must not fill the budget.
constexpr std::size_t kSlowMark = 1024 * 1024;

Error no_place() {
  return fail(Code::kBusy, "too many connections of that peer, or in all");
}

// Whoever is not wanted on a Unix socket is told so when it has said something: only then is it
// known in which form.
Door::Refusal in_form_of(std::string_view text, const Error& error) {
  const auto line = parse_line(text);
  const std::string request = line ? std::string(line->text("id")) : "";
  if (request.empty())
    return {
        "ERR " + std::string(word(error.code)) + " " + escape_for_terminal(error.message) + "\n",
        error.message};
  Line answer("ERR");
  answer.add("id", request).add("code", word(error.code)).add("msg", error.message);
  return {answer.print(), error.message};
}

}  // namespace

ControlPort::ControlPort(Hub& hub, std::vector<GroupRole> groups,
                         std::function<void(RequestId)> on_drained)
    : hub_(hub),
      groups_(std::move(groups)),
      on_drained_(std::move(on_drained)),
      uploads_{Turns(kUploadsPerOwner, kUploadsAtDoor), Turns(kUploadsPerOwner, kUploadsAtDoor),
               Turns(kUploadsPerOwner, kUploadsAtDoor)},
      denials_(hub, KeyKind::kControl),
      doors_{make_door(Entrance::kTcp), make_door(Entrance::kGroups),
             make_door(Entrance::kOwners)} {
  look_around();
}

std::unique_ptr<Door> ControlPort::make_door(Entrance entrance) {
  const bool is_tcp = entrance == Entrance::kTcp;
  Door::Handlers handlers;
  handlers.on_turned_away = [this](const Door::Guest& guest, const std::string& why) {
    hub_.dispatch(TurnedAway{guest.address, guest.name, why});
  };
  handlers.on_line = [this, is_tcp](GuestId id, Door::Guest& guest, std::string_view text) {
    return is_tcp ? on_hello(id, guest, text) : in_form_of(text, *guest.refused);
  };
  Door::Terms terms;
  terms.greets = is_tcp;
  if (is_tcp) terms.user_timeout_ms = kUserTimeoutMs;
  if (!is_tcp) terms.places = kUnixPlaces;
  return std::make_unique<Door>(hub_.loop, terms, std::move(handlers));
}

void ControlPort::listen(Fd listener, bool is_unix) {
  Door& tcp = *doors_[static_cast<std::size_t>(Entrance::kTcp)];
  acceptors_.push_back(
      std::make_unique<Acceptor>(hub_.loop, std::move(listener), [this, is_unix, &tcp](Fd fd) {
        is_unix ? accepted(std::move(fd)) : tcp.enter(std::move(fd));
      }));
}

// On a Unix socket, where nobody has to prove what the kernel says.
void ControlPort::accepted(Fd fd) {
  std::optional<Error> refused;
  Peer peer = identify(fd.get(), refused);
  Door::Guest guest{peer.asker.from, peer.host, peer.asker.who, "", refused};
  Door& door = *doors_[static_cast<std::size_t>(peer.entrance)];
  const PeerId id = next_peer_++;
  if (!refused && let_in(id, std::move(peer)))
    return start(id, {std::move(fd), "", "", std::nullopt});
  if (!refused) guest.refused = no_place();
  door.enter(std::move(fd), std::move(guest));
}

// The kernel says who is at the other end of a Unix socket.
ControlPort::Peer ControlPort::identify(int fd, std::optional<Error>& refused) const {
  const auto uid = peer_uid(fd);
  const bool is_ours = uid && (*uid == 0 || *uid == ::geteuid());
  const auto role = is_ours ? Role::kAdmin : role_of_groups(groups_, peer_groups(fd));
  Peer peer;
  peer.is_unix = true;
  peer.asker.from = peer_name(fd);
  peer.asker.who = uid ? user_name(*uid) : "somebody";
  peer.host = peer.asker.who;
  peer.may_open_paths = is_ours;
  peer.entrance = is_ours ? Entrance::kOwners : Entrance::kGroups;
  peer.role = role.value_or(Role::kViewer);
  if (!role)
    refused = fail(Code::kDenied, "user " + peer.asker.who +
                                      " is neither this master's nor root, nor in a group that "
                                      "--control-group lets in");
  return peer;
}

// False, and the peer is still the caller's, if there are enough already.
bool ControlPort::let_in(PeerId id, Peer&& peer) {
  if (!places_.enter(id, peer.entrance, peer.host, peer.credential.name)) return false;
  peer.patience = OperatorPatience(hub_.loop.now().mono_ms);
  peers_[id] = std::move(peer);
  return true;
}

// Every few seconds: who keeps still for too long has to go.
void ControlPort::look_around() {
  const std::int64_t now = hub_.loop.now().mono_ms;
  for (auto& [id, peer] : peers_) {
    if (peer.away || peer.connection->closed()) continue;
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

std::optional<Door::Refusal> ControlPort::on_hello(GuestId guest_id, Door::Guest& guest,
                                                   std::string_view text) {
  const auto hello = parse_hello(
      text, {"control"}, "operators connect here, workers at the master's --listen address");
  if (!hello) return Door::refusal(hello.error());
  guest.name = hello->text("name");
  Peer peer;
  peer.asker.from = guest.address;
  peer.asker.who = guest.name;
  peer.host = guest.host;
  const auto proved = admit(peer, guest, *hello);
  if (!proved && !hub_.keys.is_open()) return denials_.deny(guest, *hello);
  const PeerId id = next_peer_++;
  if (!let_in(id, std::move(peer))) return Door::refusal(no_place());
  auto released =
      doors_[static_cast<std::size_t>(Entrance::kTcp)]->take(guest_id, proved.has_value());
  const std::string unread = std::exchange(released.unread, "");
  start(id, std::move(released));
  peers_[id].connection->welcome(Line("WELCOME"), proved);
  peers_[id].connection->feed(unread);
  return std::nullopt;
}

// With keys a peer must prove one, and its role is the key's: nullopt if it does not. Without, it
// is what it says, and the audit trail says that nobody knows.
std::optional<Handshake> ControlPort::admit(Peer& peer, const Door::Guest& guest,
                                            const Line& hello) {
  if (hub_.keys.is_open()) {
    const std::string& name = guest.name;
    peer.asker.who = is_worker_name(name) ? name + " (unproven)" : "anybody";
    return std::nullopt;
  }
  auto accepted = hub_.keys.verify(hello, guest.nonce, KeyKind::kControl,
                                   hub_.cluster.least_generation(guest.name));
  if (!accepted) return std::nullopt;
  peer.role = role_of_key(hello.text("key"));
  peer.credential = std::move(accepted->credential);
  return std::move(accepted->handshake);
}

// An answer, and the end.
void ControlPort::refuse(Peer& peer, const Error& error) {
  answer(peer, "", error);
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
  places_.leave(id);
  if (why == LineConnection::kDoesNotRead || why == kTooMuchUnsent) turn_away(peer, why);
  for (RequestId request : peer.requests) {
    asked_.erase(request);
    hub_.dispatch(Cancel{request});
  }
}

}  // namespace dm::master
