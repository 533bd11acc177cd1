#include "common/io/loop.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <algorithm>

#include "common/io/system.h"

namespace dm {
namespace {
// How often in a row a ready descriptor is served before deadlines get their turn, so that a peer
// that never stops sending cannot hold them off.
constexpr int kMaxPasses = 16;
}  // namespace

Loop::Loop() : now_(read_clock()) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
    wake_read_.reset(ends[0]);
    wake_write_.reset(ends[1]);
    watch(wake_read_.get(), true, false, [this](Ready) { run_posted(); });
  }
}

Loop::~Loop() = default;

bool Loop::is_watched(int fd) const {
  const auto index = static_cast<std::size_t>(fd);
  return fd >= 0 && index < watches_.size() && watches_[index] != nullptr;
}

void Loop::watch(int fd, bool read, bool write, OnReady on_ready) {
  if (fd < 0) return;
  unwatch(fd);
  const auto index = static_cast<std::size_t>(fd);
  if (index >= watches_.size()) watches_.resize(index + 1);
  watches_[index] = std::make_unique<Watch>(Watch{std::move(on_ready)});
  ++watched_;
  poller_.set(fd, read, write);
}

void Loop::want(int fd, bool read, bool write) {
  if (is_watched(fd)) poller_.set(fd, read, write);
}

void Loop::unwatch(int fd) {
  if (!is_watched(fd)) return;
  retired_.push_back(std::move(watches_[static_cast<std::size_t>(fd)]));
  --watched_;
  poller_.remove(fd);
}

Loop::TimerId Loop::at(std::int64_t mono_ms, Task task) {
  const TimerId id{mono_ms, next_timer_++};
  timers_.emplace(id, std::move(task));
  return id;
}

void Loop::cancel(TimerId id) {
  timers_.erase(id);
}

void Loop::post(Task task) {
  const std::lock_guard lock(mutex_);
  posted_.push_back(std::move(task));
  if (posted_.size() == 1) (void)retry([&] { return ::write(wake_write_.get(), "", 1); });
}

void Loop::run_posted() {
  char bytes[64];
  while (retry([&] { return ::read(wake_read_.get(), bytes, sizeof bytes); }) > 0) {
  }
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (Task& task : tasks) task();
}

void Loop::on_signal(int signal, Task task) {
  signals_[signal] = std::move(task);
  sigset_t set;
  ::sigemptyset(&set);
  for (const auto& entry : signals_) ::sigaddset(&set, entry.first);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  const bool first = !signal_fd_.valid();
  const int fd = ::signalfd(signal_fd_.get(), &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (!first || fd < 0) return;
  signal_fd_.reset(fd);
  watch(fd, true, false, [this](Ready) {
    signalfd_siginfo info;
    while (::read(signal_fd_.get(), &info, sizeof info) == sizeof info) {
      const auto found = signals_.find(static_cast<int>(info.ssi_signo));
      if (found != signals_.end()) found->second();
    }
  });
}

void Loop::handle(const std::vector<Ready>& ready) {
  calls_.clear();
  for (const Ready& event : ready)
    if (is_watched(event.fd))
      calls_.emplace_back(watches_[static_cast<std::size_t>(event.fd)].get(), event);
  for (const auto& [watch, event] : calls_) {
    // Looked up again: an earlier handler may have closed it, and the number may be another's.
    if (is_watched(event.fd) && watches_[static_cast<std::size_t>(event.fd)].get() == watch)
      watch->on_ready(event);
  }
  retired_.clear();
}

void Loop::run_later() {
  while (!later_.empty() || !kicked_.empty()) {
    std::vector<Task> tasks;
    tasks.swap(later_);
    for (Task& task : tasks) task();
    std::vector<int> kicked;
    kicked.swap(kicked_);
    for (int fd : kicked)
      if (is_watched(fd)) watches_[static_cast<std::size_t>(fd)]->on_ready({fd, false, true});
  }
}

void Loop::run_due() {
  while (is_due() && !stopped_) {
    Task task = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    task();
  }
}

int Loop::timeout() const {
  if (!later_.empty() || !kicked_.empty()) return 0;
  if (timers_.empty()) return -1;
  const std::int64_t left = timers_.begin()->first.first - now_.mono_ms;
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

// The kernel hands out ready descriptors in turn, so many at once: each has had its turn after so
// many looks.
int Loop::most_passes() const {
  return kMaxPasses + watched_ / Poller::kMostAtOnce;
}

bool Loop::is_due() const {
  return !timers_.empty() && timers_.begin()->first.first <= now_.mono_ms;
}

int Loop::run() {
  stopped_ = false;
  while (!stopped_) {
    now_ = read_clock();
    int wait_ms = timeout();
    // A deadline is judged by a clock that was read before a look that found nothing more to read:
    // whoever was stopped for a while hears first what was said meanwhile.
    for (int pass = 0; pass < most_passes() && !stopped_; ++pass) {
      const auto& ready = poller_.wait(wait_ms);
      if (ready.empty() && wait_ms == 0) break;
      now_ = read_clock();
      handle(ready);
      run_later();
      if (!is_due()) break;
      wait_ms = 0;
    }
    run_due();
    run_later();
    retired_.clear();
  }
  return status_;
}

void Loop::stop(int status) {
  stopped_ = true;
  status_ = status;
}

}  // namespace dm
