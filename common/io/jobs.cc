#include "common/io/jobs.h"

#include <pthread.h>
#include <signal.h>

#include <cerrno>

namespace dm {
namespace {

// Enough for 64 KiB of buffer on the stack and libc's own needs; the default of 8 MiB would be
// address space only, but a limit on it (ulimit -v) would count it.
constexpr std::size_t kStack = 512 * 1024;
constexpr std::int64_t kRetryMs = 20;  // where no thread is to be had

struct Start {
  std::function<void()> body;
};

void* enter(void* argument) {
  const std::unique_ptr<Start> start(static_cast<Start*>(argument));
  start->body();
  return nullptr;
}

bool start_thread(std::function<void()> body) {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStack);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  auto start = std::make_unique<Start>(Start{std::move(body)});
  // Signals are the loop's, also those that it will ask for later: none may end up here.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  const bool started = ::pthread_create(&thread, &attributes, &enter, start.get()) == 0;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (started) (void)start.release();  // the thread owns it now
  ::pthread_attr_destroy(&attributes);
  return started;
}

}  // namespace

void Jobs::run(std::function<Loop::Task()> work, Loop::Task refuse) {
  queue_.push_back({std::move(work), std::move(refuse)});
  // While there is no thread those that can be refused are, the others keep their order.
  if (will_retry_ && queue_.back().refuse) {
    loop_.later(std::move(queue_.back().refuse));
    return queue_.pop_back();
  }
  start_waiting();
}

void Jobs::start(Work work) {
  const auto body = [this, todo = work.work] {
    Loop::Task done = todo();
    loop_.post([this, done = std::move(done)] { finished(done); });
  };
  if (start_thread(body)) {
    ++running_;
    return;
  }
  if (work.refuse) return loop_.later(std::move(work.refuse));
  queue_.push_front(std::move(work));
  will_retry_ = true;
  loop_.at(loop_.now().mono_ms + kRetryMs, [this] {
    will_retry_ = false;
    start_waiting();
  });
}

void Jobs::start_waiting() {
  while (!queue_.empty() && running_ < most_ && !will_retry_) {
    Work work = std::move(queue_.front());
    queue_.pop_front();
    start(std::move(work));
  }
}

void Jobs::finished(const Loop::Task& done) {
  --running_;
  start_waiting();
  if (done) done();
}

}  // namespace dm
