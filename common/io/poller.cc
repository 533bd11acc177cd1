#include "common/io/poller.h"

#ifdef __linux__
#include <sys/epoll.h>

#include <cstdint>
#else
#include <poll.h>
#endif

namespace dm {

#ifdef __linux__

namespace {
std::uint32_t mask(bool read, bool write) {
  return (read ? static_cast<std::uint32_t>(EPOLLIN | EPOLLRDHUP) : 0U) |
         (write ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
}
}  // namespace

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

void Poller::set(int fd, bool read, bool write) {
  epoll_event event{};
  event.events = mask(read, write);
  event.data.fd = fd;
  const auto found = interests_.find(fd);
  if (found == interests_.end()) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
    interests_[fd] = {read, write};
  } else if (found->second.read != read || found->second.write != write) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
    found->second = {read, write};
  }
}

void Poller::remove(int fd) {
  if (interests_.erase(fd) > 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

const std::vector<Ready>& Poller::wait(int timeout_ms) {
  epoll_event events[512];
  ready_.clear();
  const int count = ::epoll_wait(epoll_.get(), events, 512, timeout_ms);
  for (int i = 0; i < count; ++i) {
    const bool broken = (events[i].events & (EPOLLERR | EPOLLHUP)) != 0;
    ready_.push_back({events[i].data.fd, broken || (events[i].events & (EPOLLIN | EPOLLRDHUP)) != 0,
                      (events[i].events & EPOLLOUT) != 0});
  }
  return ready_;
}

#else

Poller::Poller() = default;

void Poller::set(int fd, bool read, bool write) {
  interests_[fd] = {read, write};
}
void Poller::remove(int fd) {
  interests_.erase(fd);
}

const std::vector<Ready>& Poller::wait(int timeout_ms) {
  std::vector<pollfd> polled;
  for (const auto& [fd, interest] : interests_) {
    const int events = (interest.read ? POLLIN : 0) | (interest.write ? POLLOUT : 0);
    polled.push_back({fd, static_cast<short>(events), 0});
  }
  ready_.clear();
  if (::poll(polled.data(), polled.size(), timeout_ms) <= 0) return ready_;
  for (const pollfd& p : polled)
    if (p.revents != 0)
      ready_.push_back({p.fd, (p.revents & ~POLLOUT) != 0, (p.revents & POLLOUT) != 0});
  return ready_;
}

#endif

}  // namespace dm
