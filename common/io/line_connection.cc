#include "common/io/line_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "common/io/system.h"
#include "common/sha256.h"

namespace dm {
namespace {
constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::int64_t kMaxDiscarded = 1024 * 1024;
constexpr std::int64_t kLingerMs = 1000;
constexpr std::size_t kMostDescriptors = 253;  // SCM_MAX_FD: what one message carries

// As send(2), with a descriptor beside the bytes.
ssize_t send_with(int socket, std::string_view bytes, int descriptor) {
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
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// Every descriptor of a message gets an owner before anything is judged: none can leak.
Fd own_descriptors(const cmsghdr& part) {
  const std::size_t count = (part.cmsg_len - CMSG_LEN(0)) / sizeof(int);
  Fd only;
  for (std::size_t i = 0; i < count; ++i) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(&part) + i * sizeof fd, sizeof fd);
    Fd owner(fd);
    if (count == 1) only = std::move(owner);
  }
  return only;
}
}  // namespace

LineConnection::LineConnection(Loop& loop, Fd fd, std::size_t max_line, std::size_t max_queue)
    : loop_(loop),
      fd_(std::move(fd)),
      in_(max_line),
      max_queue_(max_queue),
      slow_mark_(max_queue / 2) {}

LineConnection::~LineConnection() {
  loop_.cancel(linger_timer_);
  if (fd_.valid()) loop_.unwatch(fd_.get());
}

void LineConnection::start(Handlers handlers, std::string_view already_read,
                           std::string_view to_send) {
  handlers_ = std::move(handlers);
  listens_ = !waits();
  loop_.watch(fd_.get(), listens_, false, [this](Ready ready) { on_ready(ready); });
  send(to_send);
  if (already_read.empty()) return;
  in_.feed(already_read);
  hand_out();
}

void LineConnection::feed(std::string_view bytes) {
  in_.feed(bytes);
  hand_out();
}

void LineConnection::on_ready(Ready ready) {
  if (ready.writable && state_ != State::kClosed) flush();
  if (ready.readable && state_ != State::kClosed) read_some();
}

void LineConnection::read_some() {
  if (state_ != State::kOpen) return discard();
  // A paused peer wakes us only when it is gone.
  if (paused_ || ended_) return drop("connection closed by the peer");
  if (waits() && listens_) return;  // an answer was queued in this very round
  if (waits()) return drop("connection closed by the peer");
  char bytes[kReadSize];
  const std::ptrdiff_t got = receive(bytes, sizeof bytes);
  if (got < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK && !closed()) drop(errno_words(errno));
    return;
  }
  if (got == 0) {
    ended_ = true;
  } else {
    in_.feed(std::string_view(bytes, static_cast<std::size_t>(got)));
    moved_ += static_cast<std::uint64_t>(got);
  }
  hand_out();
}

std::ptrdiff_t LineConnection::receive(char* bytes, std::size_t most) {
  if (!takes_descriptors_) return retry([&] { return ::read(fd_.get(), bytes, most); });
  alignas(cmsghdr) char control[CMSG_SPACE(kMostDescriptors * sizeof(int))];
  iovec part{bytes, most};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got =
      retry([&] { return ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT); });
  if (got < 0 || keep_descriptors(message)) return got;
  drop("it sent more descriptors than lines");
  return -1;
}

// False: one was lost on the way, so that the next would go with the wrong line; or too many wait.
bool LineConnection::keep_descriptors(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part))
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS)
      received_.push_back(own_descriptors(*part));
  return (message.msg_flags & MSG_CTRUNC) == 0 && received_.size() <= kMaxRiders;
}

Fd LineConnection::take_descriptor() {
  if (received_.empty()) return Fd();
  Fd fd = std::move(received_.front());
  received_.pop_front();
  return fd;
}

// Not re-entered: a handler that resumes the connection only clears the flag that stopped it.
void LineConnection::hand_out() {
  if (handing_out_) return;
  handing_out_ = true;
  while (state_ == State::kOpen && !waits()) {
    if (body_left_ > 0) {
      const std::string bytes = in_.take(static_cast<std::size_t>(body_left_));
      if (bytes.empty()) break;
      body_left_ -= static_cast<std::int64_t>(bytes.size());
      hand_out_body(bytes);
      continue;
    }
    const auto line = in_.next();
    if (!line) break;
    hand_out_line(*line);
  }
  handing_out_ = false;
  if (in_.waiting() == 0) received_.clear();
  if (state_ != State::kOpen || paused_) return;
  // The end of file would wake us again and again.
  if (waits()) return ended_ ? update_interest() : void();
  if (in_.too_long()) {
    if (handlers_.on_too_long) handlers_.on_too_long();
    if (state_ == State::kOpen) finish();
  } else if (ended_ && !end_told_) {
    end_told_ = true;
    update_interest();
    if (!handlers_.on_end) return drop("connection closed by the peer");
    handlers_.on_end();
  }
}

void LineConnection::hand_out_line(std::string_view text) {
  if (!seals_) return handlers_.on_line(text);
  const auto opened = seals_->in.open(text);
  if (!opened) return drop("a line is not what the peer sent");
  handlers_.on_line(*opened);
}

void LineConnection::expect_body(std::int64_t size, std::string_view sha256) {
  if (seals_ && (sha256.empty() || size > kMaxSealedBody))
    return drop("a body without its SHA-256, or a longer one than allowed");
  body_left_ = size;
  body_sha256_ = seals_ ? sha256 : std::string_view();
}

void LineConnection::hand_out_body(std::string_view bytes) {
  if (body_sha256_.empty()) return handlers_.on_body(bytes);
  body_.append(bytes);
  if (body_left_ > 0) return;
  const std::string body = std::move(body_);
  body_.clear();
  if (sha256_hex(body) != body_sha256_) return drop("a body is not what the peer sent");
  handlers_.on_body(body);
}

void LineConnection::welcome(Line line, const std::optional<Handshake>& handshake) {
  if (handshake) line.add("proof", handshake->master_proof(line));
  send_line(line);
  if (handshake) set_seals(handshake->seals_of_master());
}

void LineConnection::send_line(const Line& line) {
  send(seals_ ? seals_->out.seal(line.print()) : line.print());
}

void LineConnection::send_body(Line line, std::string_view bytes) {
  if (seals_) line.add("sha256", sha256_hex(bytes));
  send_line(line);
  send(bytes);
}

void LineConnection::send(std::string_view bytes, Fd descriptor) {
  if (state_ == State::kClosed || bytes.empty()) return;
  if (queued() + bytes.size() > max_queue_) return drop(std::string(kDoesNotRead));
  const bool idle = queued() == 0;
  if (descriptor.valid()) riders_.emplace_back(out_.size(), std::move(descriptor));
  out_.append(bytes);
  if (idle) loop_.kick(fd_.get());
  if (!can_send()) was_full_ = true;
}

// Up to the next descriptor: it rides with the first byte of its own.
std::ptrdiff_t LineConnection::send_first() {
  std::string_view bytes = std::string_view(out_).substr(sent_);
  const bool rides = !riders_.empty() && riders_.front().first == sent_;
  const std::size_t next =
      riders_.size() > (rides ? 1U : 0U) ? riders_[rides ? 1 : 0].first - sent_ : bytes.size();
  bytes = bytes.substr(0, next);
  if (!rides) return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  const ssize_t sent = send_with(fd_.get(), bytes, riders_.front().second.get());
  if (sent >= 0) riders_.pop_front();
  return sent;
}

void LineConnection::flush() {
  while (queued() > 0) {
    const std::ptrdiff_t sent = retry([&] { return send_first(); });
    if (sent < 0) {
      // ETOOMANYREFS: more descriptors are on their way than the kernel allows; room comes as the
      // peer reads, and then the socket is writable.
      if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ETOOMANYREFS) break;
      return drop(errno_words(errno));
    }
    sent_ += static_cast<std::size_t>(sent);
    moved_ += static_cast<std::uint64_t>(sent);
    out_moved_ += static_cast<std::uint64_t>(sent);
  }
  if (sent_ == out_.size()) {
    out_.clear();
    sent_ = 0;
    if (out_.capacity() > kReadSize) out_.shrink_to_fit();
  } else if (sent_ > out_.size() / 2) {
    for (auto& [at, descriptor] : riders_) at -= sent_;
    out_.erase(0, sent_);
    sent_ = 0;
  }
  if (state_ == State::kFinishing && queued() == 0) return linger();
  update_interest();
  if (was_full_ && can_send()) {
    was_full_ = false;
    if (handlers_.on_drained) handlers_.on_drained();
  }
  if (answers_first_) hand_out();
}

void LineConnection::update_interest() {
  listens_ = state_ == State::kOpen ? !waits() && !ended_ : !ended_;
  loop_.want(fd_.get(), listens_, queued() > 0);
}

void LineConnection::pause() {
  paused_ = true;
  if (state_ == State::kOpen) update_interest();
}

void LineConnection::resume() {
  if (!paused_ || state_ != State::kOpen) return;
  paused_ = false;
  update_interest();
  hand_out();
}

void LineConnection::finish() {
  if (state_ != State::kOpen) return;
  state_ = State::kFinishing;
  if (queued() == 0) return linger();
  update_interest();
}

void LineConnection::linger() {
  if (ended_) return drop("finished");
  state_ = State::kLingering;
  ::shutdown(fd_.get(), SHUT_WR);
  linger_timer_ = loop_.at(loop_.now().mono_ms + kLingerMs, [this] { drop("finished"); });
  update_interest();
}

void LineConnection::discard() {
  char bytes[kReadSize];
  const ssize_t got = retry([&] { return ::read(fd_.get(), bytes, sizeof bytes); });
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
  if (got > 0) discarded_ += got;
  if (got == 0 && state_ == State::kFinishing) {
    ended_ = true;  // it may still read what is queued
    return update_interest();
  }
  if (got <= 0 || discarded_ > kMaxDiscarded) drop("finished");
}

void LineConnection::drop(const std::string& why) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  loop_.unwatch(fd_.get());
  fd_.reset();
  // The handler outlives this object if the owner destroys it first, so it travels by value.
  loop_.later([on_closed = handlers_.on_closed, why] {
    if (on_closed) on_closed(why);
  });
}

LineConnection::Released LineConnection::release() {
  loop_.unwatch(fd_.get());
  state_ = State::kClosed;
  return {std::move(fd_), in_.take(in_.waiting()), out_.substr(sent_), std::move(seals_)};
}

}  // namespace dm
