#include "common/io/jobs.h"

#include <signal.h>
#include <sys/resource.h>

#include "common/io/loop.h"
#include "tests/unit/as_nobody.h"
#include "tests/unit/check.h"
#include "tests/unit/temp_directory.h"

using namespace dm;

// A thread that does not block them would take a SIGCHLD or SIGTERM that the loop waits for: those
// that begin before the loop wants a signal as well.
TEST(jobs_take_no_signals) {
  Loop loop;
  Jobs jobs(loop, 1);
  sigset_t blocked;
  ::sigemptyset(&blocked);
  jobs.run([&]() -> Task {
    ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    return [&] { loop.stop(7); };
  });
  CHECK(loop.run() == 7);
  for (int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) CHECK(::sigismember(&blocked, signal) == 1);
  // The caller's own mask is what it was.
  ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  CHECK(::sigismember(&blocked, SIGCHLD) == 0);
}

namespace {

void limit_tasks(rlim_t most) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NPROC, &limit);
  limit.rlim_cur = most;
  ::setrlimit(RLIMIT_NPROC, &limit);
}

}  // namespace

TEST(jobs_without_a_thread_are_refused_and_never_run_in_the_loop) {
  const test::TempDirectory temp;
  CHECK(test::holds_for_nobody(temp.path(), [] {
    limit_tasks(0);
    Loop loop;
    Jobs jobs(loop, 1);
    bool ran = false;
    const auto work = [&]() -> Loop::Task {
      ran = true;
      return [&] { loop.stop(1); };
    };
    jobs.run(work, [&] { loop.stop(7); });
    return loop.run() == 7 && !ran && jobs.pending() == 0;
  }));
}

TEST(jobs_that_must_be_done_wait_for_a_thread) {
  const test::TempDirectory temp;
  CHECK(test::holds_for_nobody(temp.path(), [] {
    rlimit before{};
    ::getrlimit(RLIMIT_NPROC, &before);
    limit_tasks(0);
    Loop loop;
    Jobs jobs(loop, 1);
    int order = 0, first = 0, second = 0;
    jobs.run([&]() -> Loop::Task { return [&] { first = ++order; }; });
    jobs.run([&]() -> Loop::Task {
      return [&] {
        second = ++order;
        loop.stop(7);
      };
    });
    loop.later([&] { limit_tasks(before.rlim_cur); });
    return loop.run() == 7 && first == 1 && second == 2;
  }));
}
