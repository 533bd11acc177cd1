#include "common/io/poller.h"

#ifdef __linux__
#include <sys/epoll.h>
#else
#include <poll.h>
#endif

#include <utility>

namespace dm {
namespace {

enum : std::uint8_t { kWatched = 1, kRead = 2, kWrite = 4 };

std::uint8_t bits(bool read, bool write) {
  return static_cast<std::uint8_t>(kWatched | (read ? kRead : 0) | (write ? kWrite : 0));
}

// The place of a descriptor, which the kernel keeps small.
std::uint8_t& place(std::vector<std::uint8_t>& interests, int fd) {
  const auto index = static_cast<std::size_t>(fd);
  if (index >= interests.size()) interests.resize(index + 1);
  return interests[index];
}

}  // namespace

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
  std::uint8_t& known = place(interests_, fd);
  const std::uint8_t wanted = bits(read, write);
  if (known == wanted) return;
  ::epoll_ctl(epoll_.get(), known == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
  known = wanted;
}

void Poller::remove(int fd) {
  if (std::exchange(place(interests_, fd), std::uint8_t{0}) != 0)
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

const std::vector<Ready>& Poller::wait(int timeout_ms) {
  epoll_event events[kMostAtOnce];
  ready_.clear();
  const int count = ::epoll_wait(epoll_.get(), events, kMostAtOnce, timeout_ms);
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
  place(interests_, fd) = bits(read, write);
}
void Poller::remove(int fd) {
  place(interests_, fd) = 0;
}

const std::vector<Ready>& Poller::wait(int timeout_ms) {
  std::vector<pollfd> polled;
  for (std::size_t fd = 0; fd < interests_.size(); ++fd) {
    if (interests_[fd] == 0) continue;
    const int events = ((interests_[fd] & kRead) != 0 ? POLLIN : 0) |
                       ((interests_[fd] & kWrite) != 0 ? POLLOUT : 0);
    polled.push_back({static_cast<int>(fd), static_cast<short>(events), 0});
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
