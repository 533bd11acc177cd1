#include "common/io/line_peer.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>

#include "common/io/system.h"
#include "common/sha256.h"

namespace dm {
namespace {

constexpr std::size_t kGreetingLine = 1024;
constexpr int kConnectMs = 10'000;
constexpr std::int64_t kSilenceMs = 30'000;
constexpr int kUserTimeoutMs = 30'000;
// How often a wait looks whether anybody still wants its outcome.
constexpr int kSliceMs = 250;

Error cut(std::string why) {
  return fail(Code::kLost, "connection to the master: " + why);
}

}  // namespace

LinePeer::LinePeer(Fd fd, const std::atomic<bool>& cancel)
    : fd_(std::move(fd)), cancel_(&cancel), in_(kMaxLine) {}

Result<LinePeer> LinePeer::connect(const Endpoint& endpoint, const std::atomic<bool>& cancel) {
  auto fd = connect_blocking(endpoint, kConnectMs);
  if (!fd) return fail(Code::kLost, fd.error().message);
  if (!endpoint.is_unix()) tune_tcp(fd->get(), kUserTimeoutMs);
  set_blocking(fd->get(), false);
  return LinePeer(std::move(*fd), cancel);
}

Status LinePeer::greet(Line hello, const AccessKey* key) {
  in_.set_max_line(kGreetingLine);
  const auto first = read_line();
  if (!first) return first.error();
  if (first->verb() != "DM" || first->number_or("proto", 0) != 1)
    return cut("the peer is no dm-master of protocol 1");
  std::optional<Handshake> handshake;
  if (key != nullptr) {
    handshake = begin_handshake(*key, *first, random_hex(16), hello);
    if (!handshake) return cut("the master sent no nonce");
  }
  if (auto sent = send_line(hello); !sent) return sent;
  const auto answer = read_line();
  if (!answer) return answer.error();
  if (answer->verb() == "ERR")
    return fail(code_from(answer->text("code")), std::string(answer->text("msg", "refused")));
  if (answer->verb() != "WELCOME") return cut("expected WELCOME, got " + answer->verb());
  in_.set_max_line(kMaxLine);
  if (!handshake) return {};
  if (!proof_fits(answer->text("proof"), handshake->master_proof(*answer)))
    return fail(Code::kDenied, "the master did not prove that it holds the secret");
  seals_ = handshake->seals_of_peer();
  return {};
}

Status LinePeer::send_line(const Line& line) {
  return send(seals_ ? seals_->out.seal(line.print()) : line.print());
}

Status LinePeer::send_body(Line line, std::string_view bytes) {
  if (seals_) line.add("sha256", sha256_hex(bytes));
  if (auto sent = send_line(line); !sent) return sent;
  return send(bytes);
}

Status LinePeer::wait(short events, std::int64_t limit_ms) {
  const std::int64_t until =
      limit_ms < 0 ? std::numeric_limits<std::int64_t>::max() : read_clock().mono_ms + limit_ms;
  while (!cancel_->load()) {
    pollfd waiting{fd_.get(), events, 0};
    if (retry([&] { return ::poll(&waiting, 1, kSliceMs); }) > 0) return {};
    if (read_clock().mono_ms >= until)
      return fail(Code::kTimeout, "the master sent nothing for 30 s");
  }
  return cut("cancelled");
}

Status LinePeer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (cancel_->load()) return cut("cancelled");
    const ssize_t sent = retry(
        [&] { return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT); });
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
      return last_word(errno);
    } else if (auto ready = wait(POLLOUT, -1); !ready) {
      return ready;
    }
  }
  return {};
}

// What came before a cut can still be read. Bodies between the lines are not looked for: who sends
// one does not hang up on us in the middle of it.
Error LinePeer::last_word(int error) {
  char buffer[4096];
  ssize_t got = 0;
  while ((got = retry([&] { return ::recv(fd_.get(), buffer, sizeof buffer, MSG_DONTWAIT); })) > 0)
    in_.feed(std::string_view(buffer, static_cast<std::size_t>(got)));
  while (const auto text = in_.next()) {
    const auto opened = seals_ ? seals_->in.open(*text) : std::string_view(*text);
    const auto line = opened ? parse_line(*opened) : Result<Line>(cut("no line"));
    if (!line) break;
    if (line->verb() == "ERR")
      return fail(code_from(line->text("code")), std::string(line->text("msg", "refused")));
  }
  return cut(errno_words(error));
}

Result<std::size_t> LinePeer::receive(char* buffer, std::size_t most) {
  while (true) {
    if (cancel_->load()) return cut("cancelled");
    const ssize_t got = retry([&] { return ::recv(fd_.get(), buffer, most, MSG_DONTWAIT); });
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0) return cut("closed by the peer");
    if (errno != EAGAIN && errno != EWOULDBLOCK) return cut(errno_words(errno));
    if (auto ready = wait(POLLIN, kSilenceMs); !ready) return ready.error();
  }
}

Result<Line> LinePeer::read_line() {
  char buffer[4096];
  while (true) {
    if (const auto text = in_.next()) {
      if (!seals_) return parse_line(*text);
      const auto opened = seals_->in.open(*text);
      if (!opened) return cut("a line is not what the master sent");
      return parse_line(*opened);
    }
    if (in_.too_long()) return fail(Code::kTooLong, "the master sent a line that is too long");
    const auto got = receive(buffer, sizeof buffer);
    if (!got) return got.error();
    in_.feed(std::string_view(buffer, *got));
  }
}

Result<std::size_t> LinePeer::read_some(char* buffer, std::size_t most) {
  if (in_.waiting() == 0) return receive(buffer, most);
  const std::string waiting = in_.take(most);
  std::copy(waiting.begin(), waiting.end(), buffer);
  return waiting.size();
}

}  // namespace dm
