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
}  // namespace

// What a thread owns while it runs.
struct Jobs::Thread {
  Jobs& jobs;
  Loop& loop;
  Work work;

  static void* enter(void* argument) {
    const std::unique_ptr<Thread> thread(static_cast<Thread*>(argument));
    Task done = thread->work();
    thread->loop.post([&jobs = thread->jobs, done = std::move(done)]() mutable {
      jobs.finished(std::move(done));
    });
    return nullptr;
  }

  // False: there is none to be had, and the work is still here.
  static bool start(std::unique_ptr<Thread>& thread) {
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, kStack);
    ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    // Signals are the loop's, also those that it will ask for later: none may end up here.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t id;
    const bool started = ::pthread_create(&id, &attributes, &enter, thread.get()) == 0;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (started) (void)thread.release();  // it owns itself now
    ::pthread_attr_destroy(&attributes);
    return started;
  }
};

void Jobs::run(Work work, Task refuse) {
  queue_.push_back({std::move(work), std::move(refuse)});
  // While there is no thread those that can be refused are, the others keep their order.
  if (will_retry_ && queue_.back().refuse) {
    loop_.later(std::move(queue_.back().refuse));
    return queue_.pop_back();
  }
  start_waiting();
}

void Jobs::start(Waiting waiting) {
  auto thread = std::make_unique<Thread>(Thread{*this, loop_, std::move(waiting.work)});
  if (Thread::start(thread)) {
    ++running_;
    return;
  }
  if (waiting.refuse) return loop_.later(std::move(waiting.refuse));
  waiting.work = std::move(thread->work);
  queue_.push_front(std::move(waiting));
  will_retry_ = true;
  loop_.at(loop_.now().mono_ms + kRetryMs, [this] {
    will_retry_ = false;
    start_waiting();
  });
}

void Jobs::start_waiting() {
  while (!queue_.empty() && running_ < most_ && !will_retry_) {
    Waiting waiting = std::move(queue_.front());
    queue_.pop_front();
    start(std::move(waiting));
  }
}

void Jobs::finished(Task done) {
  --running_;
  start_waiting();
  if (done) done();
}

}  // namespace dm
