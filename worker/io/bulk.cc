#include "worker/io/bulk.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>

#include "common/io/system.h"

namespace dm {
namespace {

constexpr int kConnectMs = 10'000;
constexpr std::int64_t kSilenceMs = 30'000;
constexpr int kUserTimeoutMs = 30'000;
// How often a wait looks whether anybody still wants its outcome.
constexpr int kSliceMs = 250;

Error cut(std::string why) {
  return fail(Code::kLost, "connection to the master: " + why);
}

}  // namespace

BulkPeer::BulkPeer(Fd fd, const std::atomic<bool>& cancel)
    : fd_(std::move(fd)), cancel_(&cancel), in_(kMaxLine) {}

Result<BulkPeer> BulkPeer::dial(const BulkTarget& target, const std::atomic<bool>& cancel) {
  auto fd = connect_blocking(target.master, kConnectMs);
  if (!fd) return fail(Code::kLost, fd.error().message);
  tune_tcp(fd->get(), kUserTimeoutMs);
  set_blocking(fd->get(), false);
  BulkPeer peer(std::move(*fd), cancel);
  if (auto greeted = peer.greet(target); !greeted) return greeted.error();
  return peer;
}

Status BulkPeer::greet(const BulkTarget& target) {
  const auto first = read_line();
  if (!first) return first.error();
  if (first->verb() != "DM" || first->number_or("proto", 0) != 1)
    return cut("the peer is no dm-master of protocol 1");
  Line hello("HELLO");
  hello.add("proto", 1).add("name", target.name).add("as", "bulk").add("id", target.id);
  if (auto sent = send(hello.print()); !sent) return sent;
  const auto answer = read_line();
  if (!answer) return answer.error();
  if (answer->verb() == "WELCOME") return {};
  if (answer->verb() == "ERR")
    return fail(code_from(answer->text("code")), std::string(answer->text("msg", "refused")));
  return cut("expected WELCOME, got " + answer->verb());
}

Status BulkPeer::wait(short events, std::int64_t limit_ms) {
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

Status BulkPeer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (cancel_->load()) return cut("cancelled");
    const ssize_t sent = retry(
        [&] { return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT); });
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
      return cut(errno_words(errno));
    } else if (auto ready = wait(POLLOUT, -1); !ready) {
      return ready;
    }
  }
  return {};
}

Result<std::size_t> BulkPeer::receive(char* buffer, std::size_t most) {
  while (true) {
    if (cancel_->load()) return cut("cancelled");
    const ssize_t got = retry([&] { return ::recv(fd_.get(), buffer, most, MSG_DONTWAIT); });
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0) return cut("closed by the peer");
    if (errno != EAGAIN && errno != EWOULDBLOCK) return cut(errno_words(errno));
    if (auto ready = wait(POLLIN, kSilenceMs); !ready) return ready.error();
  }
}

Result<Line> BulkPeer::read_line() {
  char buffer[4096];
  while (true) {
    if (const auto text = in_.next()) return parse_line(*text);
    if (in_.too_long()) return fail(Code::kTooLong, "the master sent a line that is too long");
    const auto got = receive(buffer, sizeof buffer);
    if (!got) return got.error();
    in_.feed(std::string_view(buffer, *got));
  }
}

Result<std::size_t> BulkPeer::read_some(char* buffer, std::size_t most) {
  if (in_.waiting() == 0) return receive(buffer, most);
  const std::string waiting = in_.take(most);
  std::copy(waiting.begin(), waiting.end(), buffer);
  return waiting.size();
}

}  // namespace dm
