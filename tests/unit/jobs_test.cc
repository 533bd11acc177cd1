#include "common/io/jobs.h"

#include <signal.h>

#include "common/io/loop.h"
#include "tests/unit/check.h"

using namespace dm;

// A thread that does not block them would take a SIGCHLD or SIGTERM that the loop waits for: those
// that begin before the loop wants a signal as well.
TEST(jobs_take_no_signals) {
  Loop loop;
  Jobs jobs(loop, 1);
  sigset_t blocked;
  ::sigemptyset(&blocked);
  jobs.run([&]() -> Loop::Task {
    ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    return [&] { loop.stop(7); };
  });
  CHECK(loop.run() == 7);
  for (int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) CHECK(::sigismember(&blocked, signal) == 1);
  // The caller's own mask is what it was.
  ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  CHECK(::sigismember(&blocked, SIGCHLD) == 0);
}
