#include "common/io/jobs.h"

#include <pthread.h>
#include <signal.h>

#include <cerrno>

namespace dm {
namespace {

// Enough for 64 KiB of buffer on the stack and libc's own needs; the default of 8 MiB would be
// address space only, but a limit on it (ulimit -v) would count it.
constexpr std::size_t kStack = 512 * 1024;

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

void Jobs::run(std::function<Loop::Task()> work) {
  if (running_ < most_)
    start(std::move(work));
  else
    queue_.push_back(std::move(work));
}

void Jobs::start(std::function<Loop::Task()> work) {
  ++running_;
  const auto body = [this, work] {
    Loop::Task done = work();
    loop_.post([this, done = std::move(done)] { finished(done); });
  };
  // No thread to be had: done here and now, slowly, rather than not at all.
  if (!start_thread(body)) body();
}

void Jobs::finished(const Loop::Task& done) {
  --running_;
  if (!queue_.empty()) {
    auto work = std::move(queue_.front());
    queue_.pop_front();
    start(std::move(work));
  }
  if (done) done();
}

}  // namespace dm
