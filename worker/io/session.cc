#include "worker/io/session.h"

#include <arpa/inet.h>

#include "common/io/system.h"
#include "common/sha256.h"

namespace dm::worker {
namespace {

constexpr int kDialMs = 5000;  // for each address of a name
constexpr std::size_t kGreetingLine = 1024;
constexpr std::size_t kMaxQueue = 8 * 1024 * 1024;

bool needs_lookup(const Endpoint& endpoint) {
  unsigned char address[sizeof(in6_addr)];
  return !endpoint.is_unix() && ::inet_pton(AF_INET, endpoint.host.c_str(), address) != 1 &&
         ::inet_pton(AF_INET6, endpoint.host.c_str(), address) != 1;
}

std::string hex_of(const std::string& bytes) {
  return to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

}  // namespace

Session::Session(Loop& loop, Jobs& lookups, Endpoint master, std::optional<AccessKey> key,
                 std::string identity, Handlers handlers)
    : loop_(loop),
      lookups_(lookups),
      master_(std::move(master)),
      key_(std::move(key)),
      identity_(std::move(identity)),
      handlers_(std::move(handlers)) {}

Session::~Session() {
  if (connecting_.valid()) loop_.unwatch(connecting_.get());
}

void Session::dial() {
  dialling_ = true;
  const std::uint64_t dial = ++dials_;
  if (!needs_lookup(master_)) {
    auto fd = start_connect(master_);
    return fd ? connecting(std::move(*fd)) : fail_with(fd.error().message);
  }
  lookups_.run([this, dial, master = master_]() -> Loop::Task {
    auto fd = connect_blocking(master, kDialMs);
    if (fd) set_blocking(fd->get(), false);
    const int raw = fd ? fd->release() : -1;
    return [this, dial, raw, why = fd ? std::string() : fd.error().message] {
      Fd owner(raw);
      if (dial != dials_ || !dialling_) return;
      owner.valid() ? connecting(std::move(owner)) : fail_with(why);
    };
  });
}

void Session::connecting(Fd fd) {
  connecting_ = std::move(fd);
  loop_.watch(connecting_.get(), false, true, [this](Ready) { on_connected(); });
}

void Session::on_connected() {
  loop_.unwatch(connecting_.get());
  Fd fd = std::move(connecting_);
  if (const int error = connect_error(fd.get()); error != 0)
    return fail_with("connect to " + master_.print() + ": " + errno_words(error));
  dialling_ = false;
  tune_tcp(fd.get(), patience_ms_);
  finished_.reset();
  greeting_ = Line();
  sealed_identity_.clear();
  handshake_.reset();
  connection_ = std::make_unique<LineConnection>(loop_, std::move(fd), kGreetingLine, kMaxQueue);
  LineConnection::Handlers handlers;
  handlers.on_line = [this](std::string_view text) { on_text(text); };
  handlers.on_closed = [this](const std::string& why) { on_closed(why); };
  handlers.on_too_long = [this] { drop("the master sent a line that is too long"); };
  connection_->start(std::move(handlers));
  handlers_.on_up();
}

void Session::on_text(std::string_view text) {
  const auto line = parse_line(text);
  if (!line) return drop("the master sent a bad line: " + line.error().message);
  if (!may_say(*line)) return drop("the master did not prove that it holds the secret");
  if (line->verb() == "WELCOME") connection_->set_max_line(kMaxLine);
  handlers_.on_line(*line);
}

// With a key nothing counts before the proof but a greeting, and a refusal: neither what comes
// ahead of its turn nor a WELCOME for which there was no HELLO.
bool Session::may_say(const Line& line) {
  if (!key_ || connection_->sealed() || line.verb() == "ERR") return true;
  if (line.verb() == "DM" && greeting_.verb().empty()) {
    greeting_ = line;
    return true;
  }
  return line.verb() == "WELCOME" && handshake_ && proves_itself(line);
}

bool Session::proves_itself(const Line& welcome) {
  if (!proof_fits(welcome.text("proof"), handshake_->master_proof(welcome))) return false;
  connection_->set_seals(handshake_->seals_of_peer());
  sealed_identity_ = hex_of(handshake_->seal_identity(identity_));
  handshake_.reset();
  return true;
}

void Session::fail_with(const std::string& why) {
  if (!dialling_) return;
  dialling_ = false;
  loop_.later([this, why] { handlers_.on_down(why); });
}

// The connection's own call stands on the stack: it goes when the loop has left it.
void Session::on_closed(const std::string& why) {
  retired_ = std::move(connection_);
  loop_.later([this] { retired_.reset(); });
  handlers_.on_down(finished_.value_or(why));
}

void Session::send(const Line& line) {
  if (!connection_ || finished_) return;
  if (line.verb() == "INFO" && line.has("identity")) return send_info(line);
  if (!key_ || line.verb() != "HELLO") return connection_->send_line(line);
  Line hello = line;
  handshake_ = begin_handshake(*key_, greeting_, random_hex(16), hello, identity_);
  if (!handshake_) return drop("the master sent no nonce");
  connection_->send_line(hello);
}

// Only a master that has proved itself is told the secret.
void Session::send_info(const Line& line) {
  Line info(line.verb());
  for (const auto& [key, value] : line.fields())
    if (key != "identity") info.add(key, value);
  if (key_ && connection_->sealed() && !identity_.empty()) info.add("identity", sealed_identity_);
  connection_->send_line(info);
}

void Session::drop(const std::string& why) {
  if (connection_) return connection_->drop(why);
  if (connecting_.valid()) loop_.unwatch(connecting_.get());
  connecting_.reset();
  fail_with(why);
}

void Session::finish(const std::string& why) {
  if (!connection_) return drop(why);
  finished_ = why;
  connection_->finish();
}

void Session::set_patience(int milliseconds) {
  patience_ms_ = milliseconds;
  if (connection_) tune_tcp(connection_->fd(), patience_ms_);
}

}  // namespace dm::worker
