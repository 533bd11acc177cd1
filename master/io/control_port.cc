#include "master/io/control_port.h"

#include <sys/socket.h>

#include "common/escape.h"
#include "common/io/net.h"
#include "common/sha256.h"
#include "common/shell_words.h"
#include "master/io/blob_receiver.h"
#include "master/io/package_store.h"

namespace dm::master {
namespace {

constexpr std::size_t kMaxRequests = 64;  // of one peer, at once
constexpr std::size_t kLineRoom = 256;    // what a line counts for while it is held back
constexpr std::size_t kOutPiece = 64 * 1024;

Error denied(std::string_view what, Role needed, Role role) {
  return fail(Code::kDenied, std::string(what) + " is for " + role_word(needed) + "s; you are a" +
                                 (role == Role::kViewer ? " " : "n ") + role_word(role));
}

}  // namespace

struct ControlPort::Row {
  std::string_view verb;
  void (ControlPort::*handler)(PeerId, Peer&, const Line&);
  Role role;  // the least that may ask; of a command its own role counts
};

const ControlPort::Row ControlPort::kRows[] = {
    {"RUN", &ControlPort::run, Role::kViewer},
    {"CANCEL", &ControlPort::cancel, Role::kViewer},
    {"HAVE", &ControlPort::have, Role::kOperator},
    {"PUT", &ControlPort::put, Role::kOperator},
};

void ControlPort::on_line(PeerId id, std::string_view text) {
  Peer& peer = peers_[id];
  // Whoever sends that speaks no language of ours: its next line is no command either.
  if (text.find('\0') != text.npos) {
    answer(peer, "", fail(Code::kBadLine, "NUL in a line"));
    return peer.connection->finish();
  }
  // A verb in capitals is dm's form, anything else is for people; within quotes it is no verb.
  const bool codec =
      !peer.command.waiting() && !text.empty() && text.front() >= 'A' && text.front() <= 'Z';
  if (!codec && peer.connection->sealed())
    return refuse_line(peer, "", fail(Code::kBadLine, "with keys only dm's form is spoken here"));
  if (!codec) return run_words(id, text);
  const auto line = parse_line(text);
  if (!line) return refuse_line(peer, "", line.error());
  const std::string request(line->text("id"));
  for (const Row& row : kRows) {
    if (row.verb != line->verb()) continue;
    if (row.role <= peer.role) return (this->*row.handler)(id, peer, *line);
    answer(peer, request, denied(row.verb, row.role, peer.role));
    return peer.connection->finish();  // a body that follows must not be read as lines
  }
  refuse_line(peer, request, fail(Code::kUnknownVerb, "no verb " + line->verb()));
}

// Over TCP whoever speaks another language, a browser that posts, is not heard any further.
void ControlPort::refuse_line(Peer& peer, const std::string& request, const Error& error) {
  answer(peer, request, error);
  if (!peer.is_unix) peer.connection->finish();
}

// --- requests ---

void ControlPort::run_words(PeerId id, std::string_view text) {
  Peer& peer = peers_[id];
  const auto command = peer.command.take(text);
  if (peer.command.too_long()) {
    answer(peer, "", fail(Code::kTooLong, "a command is longer than 64 KiB"));
    return peer.connection->finish();
  }
  if (!command) return;  // its quotes are still open: the next line belongs to it
  const auto words = split_words(*command);
  if (!words) return refuse_line(peer, "", words.error());
  if (words->empty()) return answer(peer, "", std::nullopt);
  // One at a time: the next line is read when this one is answered.
  peer.connection->pause();
  begin(id, peer, "", *words, "");
}

void ControlPort::run(PeerId id, Peer& peer, const Line& line) {
  const std::string request(line.text("id"));
  if (request.empty()) return answer(peer, "", fail(Code::kBadArg, "RUN needs id="));
  if (peer.requests.size() >= kMaxRequests)
    return answer(peer, request, fail(Code::kBusy, "too many commands at once"));
  // The next one in another round: answers that wait for the disk must not pile up meanwhile.
  peer.connection->pause();
  hub_.loop.post([this, id] {
    if (const auto found = peers_.find(id); found != peers_.end())
      found->second.connection->resume();
  });
  begin(id, peer, request, line.all("arg"), std::string(line.text("manifest")));
}

void ControlPort::begin(PeerId id, Peer& peer, const std::string& request_id,
                        const std::vector<std::string>& words, const std::string& manifest) {
  const RequestId request = next_request_++;
  asked_[request] = {id, request_id, true};
  peer.requests.insert(request);
  auto invocation = parse_invocation(words);
  if (!invocation) {
    finish(request, invocation.error());
    const bool is_command = invocation.error().code != Code::kUnknownVerb || !request_id.empty();
    if (!is_command && !peer.is_unix) peer.connection->finish();
    return;
  }
  if (const CommandSpec& command = *invocation->command; command.role > peer.role)
    return finish(request, denied(command.name, command.role, peer.role));
  if (invocation->has("-o"))
    return finish(request, fail(Code::kBadArg,
                                "-o is dm's: it writes the file where you are; here, redirect the "
                                "output"));
  if (invocation->has("--env-file"))
    return finish(request, fail(Code::kBadArg,
                                "--env-file is dm's: it reads the file where you are; here, give "
                                "--env NAME=VALUE"));
  Asker asker = peer.asker;
  asker.role = peer.role;
  if (!needs_files(*invocation))
    return dispatch(request, std::move(*invocation), asker, std::nullopt);
  if (manifest.empty() && !peer.may_open_paths)
    return finish(request, fail(Code::kDenied, "this endpoint opens no paths; use dm"));
  hub_.jobs.run(
      [this, request, manifest, asker, invocation = *invocation, store = hub_.blobs]() -> Task {
        auto package = manifest.empty() ? store_package(store, package_request(invocation))
                                        : load_package(store, manifest);
        return [this, request, asker, invocation, package = std::move(package)] {
          if (!package) return finish(request, package.error());
          dispatch(request, invocation, asker, *package);
        };
      });
}

void ControlPort::dispatch(RequestId request, Invocation invocation, const Asker& asker,
                           std::optional<PackageInfo> package) {
  hub_.dispatch(Command{request, std::move(invocation), asker, std::move(package)});
}

void ControlPort::cancel(PeerId id, Peer&, const Line& line) {
  for (const auto& [request, asked] : asked_) {
    if (asked.peer != id || asked.id != line.text("id")) continue;
    return hub_.dispatch(Cancel{request});
  }
}

void ControlPort::have(PeerId, Peer& peer, const Line& line) {
  const std::string sha256(line.text("sha256"));
  const bool there = hub_.blobs.has(sha256);
  if (there) peer.pinned.insert(sha256);
  send_line(peer, Line("OK").add("id", line.text("id")).add("have", there ? 1 : 0));
}

void ControlPort::put(PeerId id, Peer& peer, const Line& line) {
  const std::string sha256(line.text("sha256")), request(line.text("id"));
  const std::int64_t size = line.number_or("size", -1);
  if (!is_sha256_hex(sha256) || size < 0) {
    answer(peer, request, fail(Code::kBadArg, "PUT needs sha256= and size="));
    return peer.connection->finish();  // the body that follows must not be read as lines
  }
  peer.pinned.insert(sha256);
  peer.away = true;
  peer.upload = [this, id, request, sha256, size, released = peer.connection->release()]() mutable {
    hub_.transfers.run([this, id, request, sha256, size, released = std::move(released),
                        store = hub_.blobs]() mutable -> Task {
      Status stored = receive_blob(store, released.fd.get(), released.unread, sha256, size);
      return [this, id, request, released = std::move(released),
              stored = std::move(stored)]() mutable {
        received(id, request, std::move(released), stored);
      };
    });
  };
  const std::string& key = peer.credential.name;
  const std::string owner = key.empty() ? peer.host : "key " + key;
  if (uploads_[static_cast<std::size_t>(peer.entrance)].enter(id, owner)) receive(id);
}

void ControlPort::receive(PeerId id) {
  std::exchange(peers_[id].upload, nullptr)();
}

void ControlPort::received(PeerId id, const std::string& request, LineConnection::Released released,
                           const Status& stored) {
  Peer& peer = peers_[id];
  for (const PeerId next : uploads_[static_cast<std::size_t>(peer.entrance)].leave(id))
    receive(next);
  peer.away = false;
  const std::string unread = stored ? std::exchange(released.unread, "") : "";
  released.unread.clear();
  start(id, std::move(released));
  if (!hub_.holds(peer.credential)) return peer.connection->drop("its key no longer holds");
  if (peer.held_bytes > kMaxQueue)
    return peer.connection->drop(std::string(LineConnection::kDoesNotRead));
  for (const auto& [line, body] : std::exchange(peer.held_back, {})) send_line(peer, line, body);
  peer.held_bytes = 0;
  Line line(stored ? "OK" : "ERR");
  line.add("id", request);
  if (!stored) line.add("code", word(stored.error().code)).add("msg", stored.error().message);
  send_line(peer, line);
  if (!unread.empty()) peer.connection->feed(unread);
  // After an error the rest of the body may still be on its way: it is no line.
  if (!stored) peer.connection->finish();
}

// --- answers ---

std::pair<ControlPort::Peer*, ControlPort::Asked*> ControlPort::find(RequestId request) {
  const auto asked = asked_.find(request);
  if (asked == asked_.end()) return {nullptr, nullptr};
  const auto peer = peers_.find(asked->second.peer);
  if (peer == peers_.end()) return {nullptr, nullptr};
  return {&peer->second, &asked->second};
}

std::size_t ControlPort::unsent(const Peer& peer) {
  if (peer.away) return peer.held_back.empty() ? 0 : peer.held_bytes;
  return peer.connection->closed() ? 0 : peer.connection->queued();
}

void ControlPort::count_unsent(const Peer& sent_to, std::size_t bytes) {
  if (sent_to.is_unix || !budget_.add(bytes)) return;
  std::vector<UnsentBudget::Held> held;
  for (const auto& [id, peer] : peers_)
    if (!peer.is_unix) held.push_back({id, unsent(peer)});
  for (const PeerId id : budget_.recount(std::move(held))) shed(peers_[id]);
}

// One whose socket is with a thread is hung up on by received().
void ControlPort::shed(Peer& peer) {
  if (!peer.away) return peer.connection->drop(std::string(kTooMuchUnsent));
  peer.held_back.clear();
  peer.held_bytes = kMaxQueue + 1;
}

// Text for people: never while the connection is away, for they bring no files up.
void ControlPort::send(Peer& peer, std::string_view bytes) {
  peer.connection->send(bytes);
  count_unsent(peer, bytes.size());
}

void ControlPort::send_line(Peer& peer, const Line& line, std::string_view body) {
  if (peer.away) {
    peer.held_bytes += body.size() + kLineRoom;
    if (peer.held_bytes <= kMaxQueue) peer.held_back.emplace_back(line, body);
    // beyond that received() hangs up
  } else if (body.empty()) {
    peer.connection->send_line(line);
  } else {
    peer.connection->send_body(line, body);
  }
  count_unsent(peer, body.size() + kLineRoom);
}

bool ControlPort::out(RequestId request, std::string_view bytes) {
  const auto [peer, asked] = find(request);
  if (peer == nullptr || bytes.empty()) return true;
  if (!asked->id.empty()) {
    for (std::size_t at = 0; at < bytes.size(); at += kOutPiece) {
      const std::string_view piece = bytes.substr(at, kOutPiece);
      send_line(*peer, Line("OUT").add("id", asked->id).add("n", piece.size()), piece);
    }
    return peer->away || peer->connection->can_send();
  }
  std::string text;
  for (char c : bytes) {
    if (asked->at_line_start) text += ' ';
    text += c;
    asked->at_line_start = c == '\n';
  }
  send(*peer, text);
  return peer->away || peer->connection->can_send();
}

void ControlPort::note(RequestId request, const std::string& text) {
  const auto [peer, asked] = find(request);
  if (peer == nullptr) return;
  if (asked->id.empty()) return void(out(request, escape_for_terminal(text) + "\n"));
  send_line(*peer, Line("NOTE").add("id", asked->id).add("text", text));
}

void ControlPort::progress(const Progress& progress) {
  const auto [peer, asked] = find(progress.request);
  if (peer == nullptr || asked->id.empty()) return;
  Line line("PROGRESS");
  line.add("id", asked->id).add("what", progress.what);
  send_line(*peer, line.add("done", progress.done).add("total", progress.total));
}

void ControlPort::finish(RequestId request, const std::optional<Error>& error) {
  const auto [peer, asked] = find(request);
  if (peer == nullptr) return void(asked_.erase(request));
  if (!asked->at_line_start) send(*peer, "\n");
  const std::string id = asked->id;
  answer(*peer, id, error);
  peer->requests.erase(request);
  asked_.erase(request);
  if (peer->ended && peer->requests.empty()) return peer->connection->finish();
  // From the loop, not from here: the next line may ask for the next command at once.
  if (id.empty())
    hub_.loop.later([this, connection = peer->connection.get()] { resume(connection); });
}

// The connection is looked up again: it may be gone by now.
void ControlPort::resume(const LineConnection* connection) {
  for (auto& [id, peer] : peers_)
    if (peer.connection.get() == connection) return peer.connection->resume();
}

void ControlPort::answer(Peer& peer, const std::string& id, const std::optional<Error>& error) {
  // With keys a peer is a program, not a person.
  if (!id.empty() || peer.connection->sealed()) {
    Line line(error ? "ERR" : "OK");
    if (!id.empty()) line.add("id", id);
    if (error) line.add("code", word(error->code)).add("msg", error->message);
    return send_line(peer, line);
  }
  if (!error) return send(peer, "OK\n");
  send(peer,
       "ERR " + std::string(word(error->code)) + " " + escape_for_terminal(error->message) + "\n");
}

std::set<std::string> ControlPort::pinned() const {
  std::set<std::string> all;
  for (const auto& [id, peer] : peers_) all.insert(peer.pinned.begin(), peer.pinned.end());
  return all;
}

}  // namespace dm::master
