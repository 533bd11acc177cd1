#include "worker/io/supervisor_link.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "common/io/system.h"

namespace dm::worker {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::size_t kMaxQueue = 16 * 1024 * 1024;
constexpr std::size_t kJoin = 64 * 1024;  // lines without descriptors go out together
constexpr std::int64_t kLongestPauseMs = 2000;

// As send(2), with a descriptor beside the bytes.
ssize_t send_with(int fd, std::string_view bytes, int descriptor) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof descriptor)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof descriptor);
  std::memcpy(CMSG_DATA(head), &descriptor, sizeof descriptor);
  return retry([&] { return ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT); });
}

}  // namespace

SupervisorLink::SupervisorLink(Loop& loop, Jobs& jobs, SupervisorStart how, Handlers handlers)
    : loop_(loop),
      jobs_(jobs),
      how_(std::move(how)),
      handlers_(std::move(handlers)),
      in_(kMaxLine) {}

SupervisorLink::~SupervisorLink() {
  if (fd_.valid()) loop_.unwatch(fd_.get());
}

void SupervisorLink::attach(Fd fd) {
  fd_ = std::move(fd);
  in_ = LineBuffer(kMaxLine);
  loop_.watch(fd_.get(), true, false, [this](Ready ready) { on_ready(ready); });
  handlers_.on_up();
}

bool SupervisorLink::send(const std::string& text, Fd descriptor) {
  if (!fd_.valid()) return false;
  if (queued_ + text.size() > kMaxQueue) {
    drop();
    return false;
  }
  if (out_.empty()) loop_.kick(fd_.get());
  queued_ += text.size();
  const bool joins = !descriptor.valid() && !out_.empty() && out_.back().bytes.size() < kJoin;
  if (joins)
    out_.back().bytes += text;
  else
    out_.push_back({text, std::move(descriptor)});
  return true;
}

void SupervisorLink::on_ready(Ready ready) {
  if (ready.writable) flush();
  if (ready.readable && fd_.valid()) read_some();
}

void SupervisorLink::read_some() {
  const auto bytes = std::make_unique<char[]>(kReadSize);
  const ssize_t got = retry([&] { return ::recv(fd_.get(), bytes.get(), kReadSize, 0); });
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
  if (got <= 0) return drop();
  in_.feed({bytes.get(), static_cast<std::size_t>(got)});
  while (fd_.valid()) {
    const auto text = in_.next();
    if (!text) break;
    const auto line = parse_line(*text);
    if (!line) return drop();
    pause_ms_ = kFirstPauseMs;
    handlers_.on_line(*line);
  }
  if (in_.too_long()) drop();
}

void SupervisorLink::flush() {
  while (fd_.valid() && !out_.empty() && send_first()) {
  }
  if (fd_.valid()) loop_.want(fd_.get(), true, !out_.empty());
}

// False if the socket takes no more for now.
bool SupervisorLink::send_first() {
  Chunk& chunk = out_.front();
  const std::string_view rest = std::string_view(chunk.bytes).substr(sent_);
  const ssize_t sent =
      chunk.descriptor.valid() ? send_with(fd_.get(), rest, chunk.descriptor.get()) : retry([&] {
        return ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      });
  // ETOOMANYREFS: more descriptors are on their way than the kernel allows; room comes as the
  // supervisor reads, and then the socket is writable.
  if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ETOOMANYREFS)) return false;
  if (sent < 0) {
    drop();
    return false;
  }
  chunk.descriptor.reset();
  sent_ += static_cast<std::size_t>(sent);
  queued_ -= static_cast<std::size_t>(sent);
  if (sent_ < chunk.bytes.size()) return true;
  out_.pop_front();
  sent_ = 0;
  return true;
}

void SupervisorLink::drop() {
  if (!fd_.valid()) return;
  loop_.unwatch(fd_.get());
  fd_.reset();
  out_.clear();
  sent_ = queued_ = 0;
  loop_.later(handlers_.on_down);
  again();
}

// Starting a supervisor and waiting until it is ready takes milliseconds, or seconds on a machine
// in trouble.
void SupervisorLink::dial() {
  jobs_.run([this, how = how_]() -> Loop::Task {
    auto fd = connect_supervisor(how);
    if (!fd) return [this, error = fd.error()] { failed(error); };
    return [this, raw = fd->release()] { attach(Fd(raw)); };
  });
}

void SupervisorLink::failed(const Error& error) {
  if (!how_.may_start) return handlers_.on_lost(error);
  again();
}

void SupervisorLink::again() {
  if (retired_) return;
  loop_.at(loop_.now().mono_ms + pause_ms_, [this] { dial(); });
  pause_ms_ = std::min(pause_ms_ * 2, kLongestPauseMs);
}

}  // namespace dm::worker
