#include "worker/supervisor/agent_link.h"

#include <sys/socket.h>

#include <cstring>

#include "common/codec.h"
#include "common/io/system.h"

namespace dm::supervisor {
namespace {

constexpr std::size_t kReadSize = 32 * 1024;
constexpr std::size_t kMaxQueue = 8 * 1024 * 1024;  // all that can be told about kMaxRuns runs
constexpr int kMostReads = 16;
constexpr std::size_t kMaxDescriptors = 253;  // SCM_MAX_FD: what one message carries
constexpr std::size_t kMaxWaiting = 8;        // messages with descriptors, and no whole line yet

}  // namespace

AgentLink::AgentLink(Loop& loop, Fd fd, Handlers handlers)
    : loop_(loop), fd_(std::move(fd)), handlers_(std::move(handlers)), in_(kMaxLine) {
  loop_.watch(fd_.get(), true, false, [this](Ready ready) { on_ready(ready); });
}

AgentLink::~AgentLink() {
  if (fd_.valid()) loop_.unwatch(fd_.get());
}

void AgentLink::on_ready(Ready ready) {
  if (ready.writable) flush();
  // The kernel hands out one line at a time where each brings a descriptor. Several in a round
  // share one answer to the agent, and so wake it once.
  for (int i = 0; i < kMostReads && ready.readable && fd_.valid(); ++i) {
    switch (receive()) {
      case Received::kSome: hand_out(); break;
      case Received::kNothing: return;
      case Received::kEnd: return close();
    }
  }
}

// Whatever descriptors came are kept, each in an owner, before anything is judged: none can leak.
AgentLink::Received AgentLink::receive() {
  char bytes[kReadSize];
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  iovec part{bytes, sizeof bytes};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = retry([&] { return ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC); });
  if (got < 0) return errno == EAGAIN ? Received::kNothing : Received::kEnd;
  for (cmsghdr* part_of = CMSG_FIRSTHDR(&message); part_of != nullptr;
       part_of = CMSG_NXTHDR(&message, part_of)) {
    if (part_of->cmsg_level != SOL_SOCKET || part_of->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part_of->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    Fd only;
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part_of) + i * sizeof fd, sizeof fd);
      Fd owner(fd);
      if (count == 1) only = std::move(owner);
    }
    descriptors_.push_back(std::move(only));
  }
  // With one descriptor lost on the way the next would go to the wrong app.
  const bool lost = (message.msg_flags & MSG_CTRUNC) != 0;
  if (got == 0 || lost || descriptors_.size() > kMaxWaiting) return Received::kEnd;
  in_.feed(std::string_view(bytes, static_cast<std::size_t>(got)));
  return Received::kSome;
}

void AgentLink::hand_out() {
  while (fd_.valid()) {
    const auto line = in_.next();
    if (!line) break;
    handlers_.on_line(*line);
  }
  if (in_.too_long()) {
    handlers_.on_too_long();
    return close();
  }
  if (in_.waiting() == 0) descriptors_.clear();
}

Fd AgentLink::take_descriptor() {
  if (descriptors_.empty()) return Fd();
  Fd fd = std::move(descriptors_.front());
  descriptors_.pop_front();
  return fd;
}

void AgentLink::send(std::string_view text) {
  if (!fd_.valid()) return;
  const std::size_t waiting = out_.size() - sent_;
  if (waiting + text.size() > kMaxQueue) return close();
  if (waiting == 0) loop_.kick(fd_.get());
  out_.append(text);
}

void AgentLink::flush() {
  while (fd_.valid() && sent_ < out_.size()) {
    const ssize_t sent = retry([&] {
      return ::send(fd_.get(), out_.data() + sent_, out_.size() - sent_,
                    MSG_NOSIGNAL | MSG_DONTWAIT);
    });
    if (sent < 0 && errno != EAGAIN) return close();
    if (sent < 0) break;
    sent_ += static_cast<std::size_t>(sent);
  }
  if (!fd_.valid()) return;
  if (sent_ == out_.size()) {
    // Freed, not only emptied: a greeting may have been long, and the next lines are short.
    if (out_.capacity() > kReadSize) out_ = std::string();
    out_.clear();
    sent_ = 0;
  }
  loop_.want(fd_.get(), true, sent_ < out_.size());
}

void AgentLink::close() {
  if (!fd_.valid()) return;
  ::send(fd_.get(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
  loop_.unwatch(fd_.get());
  fd_.reset();
  descriptors_.clear();
  loop_.later(handlers_.on_closed);
}

}  // namespace dm::supervisor
