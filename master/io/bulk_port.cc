#include "master/io/bulk_port.h"

#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>

#include "common/io/files.h"
#include "common/io/net.h"
#include "common/io/system.h"

namespace dm::master {
namespace {

constexpr std::size_t kMaxQueue = 1024 * 1024;
constexpr std::int64_t kProgressStep = 4 * 1024 * 1024;
constexpr int kStallMs = 30'000;  // a peer that takes nothing for so long is dropped
constexpr std::int64_t kStreamDueMs = 15'000;
constexpr std::int64_t kMaxChunk = 16 * 1024 * 1024;
constexpr std::int64_t kMostOfWorker = 128;  // it needs 8 for installs and 64 for logs
constexpr std::size_t kMostInAll = 4096;

// Sends `head`, then the file from `offset` on. In a helper thread. True if all went out.
bool send_blob(int socket, const std::string& head, int blob, std::int64_t offset,
               std::int64_t size) {
  set_blocking(socket, true);
  set_timeouts(socket, kStallMs);
  std::string_view rest = head;
  while (!rest.empty()) {
    const ssize_t sent =
        retry([&] { return ::send(socket, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_MORE); });
    if (sent <= 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  off_t at = offset;
  while (at < size) {
    constexpr std::int64_t kAtOnce = 4 * 1024 * 1024;
    const auto want = static_cast<std::size_t>(std::min<std::int64_t>(size - at, kAtOnce));
    if (retry([&] { return ::sendfile(socket, blob, &at, want); }) <= 0) return false;
  }
  return true;
}

}  // namespace

void BulkPort::adopt(LineConnection::Released released, const std::string& worker,
                     const std::optional<Handshake>& handshake, const Credential& credential) {
  const std::uint64_t id = next_++;
  peers_[id].worker = worker;
  peers_[id].credential = credential;
  const std::string unread = std::exchange(released.unread, "");
  start(id, std::move(released));
  peers_[id].connection->welcome(Line("WELCOME"), handshake);
  peers_[id].connection->feed(unread);
}

bool BulkPort::has_room(const std::string& worker) const {
  const auto of_worker = std::count_if(peers_.begin(), peers_.end(), [&](const auto& entry) {
    return entry.second.worker == worker;
  });
  return of_worker < kMostOfWorker && peers_.size() < kMostInAll;
}

void BulkPort::recheck_keys() {
  for (auto& [id, peer] : peers_)
    if (!hub_.holds(peer.credential)) peer.connection->drop("its key no longer holds");
}

void BulkPort::start(std::uint64_t id, LineConnection::Released released) {
  set_blocking(released.fd.get(), false);
  Peer& peer = peers_[id];
  peer.connection =
      std::make_unique<LineConnection>(hub_.loop, std::move(released.fd), kMaxLine, kMaxQueue);
  if (released.seals) peer.connection->set_seals(std::move(*released.seals));
  LineConnection::Handlers handlers;
  handlers.on_line = [this, id](std::string_view text) { on_line(id, text); };
  handlers.on_body = [this, id](std::string_view bytes) { on_body(id, bytes); };
  handlers.on_closed = [this, id](const std::string& why) { on_closed(id, why); };
  peer.connection->start(std::move(handlers), released.unread, released.unsent);
}

void BulkPort::on_line(std::uint64_t id, std::string_view text) {
  Peer& peer = peers_[id];
  const auto line = parse_line(text);
  if (!line) return refuse(peer, line.error());
  if (line->verb() == "FETCH") return fetch(id, peer, *line);
  if (line->verb() == "STREAM") return stream(peer, *line);
  if (line->verb() == "CHUNK") return chunk(peer, *line);
  if (line->verb() == "CUT") return cut(peer, *line);
  if (line->verb() == "END") return end(peer, *line);
  refuse(peer, fail(Code::kUnknownVerb, "no verb " + line->verb() + " on a bulk connection"));
}

void BulkPort::refuse(Peer& peer, const Error& error) {
  Line line("ERR");
  line.add("code", word(error.code)).add("msg", error.message);
  peer.connection->send_line(line);
  peer.connection->finish();
}

void BulkPort::fetch(std::uint64_t id, Peer& peer, const Line& line) {
  const std::string sha256(line.text("sha256"));
  const std::int64_t offset = line.number_or("offset", 0);
  if (!is_sha256_hex(sha256)) return refuse(peer, fail(Code::kBadArg, "FETCH needs sha256="));
  if (!hub_.cluster.may_fetch(peer.worker, sha256))
    return refuse(peer, fail(Code::kDenied, "no install of that blob is under way"));
  auto blob = hub_.blobs.open(sha256);
  if (!blob) return refuse(peer, blob.error());
  const std::int64_t size = hub_.blobs.size(sha256).value_or(0);
  if (offset < 0 || offset > size) return refuse(peer, fail(Code::kBadArg, "offset= is outside"));
  peer.connection->send_line(Line("OK").add("size", size));
  hub_.transfers.run([this, id, offset, size, released = peer.connection->release(),
                      file = std::move(*blob)]() mutable -> Task {
    const std::string head = std::exchange(released.unsent, "");
    const bool sent = send_blob(released.fd.get(), head, file.get(), offset, size);
    return [this, id, sent, released = std::move(released)]() mutable {
      const auto found = peers_.find(id);
      if (sent && hub_.holds(found->second.credential)) return start(id, std::move(released));
      peers_.erase(found);
    };
  });
}

void BulkPort::expect(const std::string& order, const std::string& worker) {
  expected_[order] = worker;
}

void BulkPort::due(const std::string& order) {
  if (!expected_.contains(order)) return;
  hub_.loop.at(hub_.loop.now().mono_ms + kStreamDueMs, [this, order] {
    if (expected_.erase(order) == 0) return;
    router_.ended(order, fail(Code::kLost, "the log was cut before its first byte"));
  });
}

void BulkPort::drop(const std::string& order) {
  expected_.erase(order);
  for (auto& [id, peer] : peers_) {
    if (peer.order != order) continue;
    peer.order.clear();
    peer.connection->drop("nobody reads the log any more");
  }
}

void BulkPort::stream(Peer& peer, const Line& line) {
  const std::string order(line.text("id"));
  const auto found = expected_.find(order);
  if (found == expected_.end() || found->second != peer.worker || !peer.order.empty())
    return refuse(peer, fail(Code::kDenied, "no such stream is expected"));
  peer.order = order;
  peer.hash = Sha256();
  peer.received = peer.told = 0;
  peer.announced = line.number_or("size", 0) - line.number_or("start", 0);
  expected_.erase(found);
}

void BulkPort::chunk(Peer& peer, const Line& line) {
  const std::int64_t count = line.number_or("n", -1);
  if (peer.order.empty() || count <= 0 || count > kMaxChunk)
    return refuse(peer, fail(Code::kBadArg, "CHUNK needs a stream and n="));
  peer.connection->expect_body(count, line.text("sha256"));
}

void BulkPort::cut(Peer& peer, const Line& line) {
  const std::int64_t count = line.number_or("n", -1), at = line.number_or("at", -1);
  if (peer.order.empty() || count <= 0 || at < 0)
    return refuse(peer, fail(Code::kBadArg, "CUT needs a stream, n= and at="));
  std::string text = std::to_string(count) + " bytes cut at offset " + std::to_string(at);
  if (line.has("truncated")) text += ", or more: the app has truncated its log";
  router_.note(peer.order, text);
}

void BulkPort::on_body(std::uint64_t id, std::string_view bytes) {
  Peer& peer = peers_[id];
  peer.hash.update(bytes);
  peer.received += static_cast<std::int64_t>(bytes.size());
  if (!router_.bytes(peer.order, bytes)) peer.connection->pause();
  if (peer.received - peer.told < kProgressStep || peer.received > peer.announced) return;
  peer.told = peer.received;
  router_.progress(peer.order, peer.received, peer.announced);
}

void BulkPort::resume(const std::string& order) {
  for (auto& [id, peer] : peers_)
    if (peer.order == order) return peer.connection->resume();
}

void BulkPort::end(Peer& peer, const Line& line) {
  if (peer.order.empty()) return refuse(peer, fail(Code::kBadArg, "END without a stream"));
  std::optional<Error> error;
  if (line.number_or("size", -1) != peer.received)
    error = fail(Code::kHashMismatch, "the log arrived with another size than was sent");
  else if (line.has("sha256") && line.text("sha256") != to_hex(peer.hash.finish()))
    error = fail(Code::kHashMismatch, "the log arrived damaged");
  const std::string order = std::move(peer.order);
  peer.order.clear();
  router_.ended(order, error);
}

void BulkPort::on_closed(std::uint64_t id, const std::string& why) {
  auto node = peers_.extract(id);
  if (node.empty() || node.mapped().order.empty()) return;
  const Peer& peer = node.mapped();
  router_.ended(peer.order, fail(Code::kLost, "the log was cut at offset " +
                                                  std::to_string(peer.received) + ": " + why));
}

}  // namespace dm::master
