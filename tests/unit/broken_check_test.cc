// What a broken CHECK of the product does. (check.h of the tests is another one.)
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/check.h"
#include "common/result.h"
#include "tests/unit/check.h"

using namespace dm;

namespace {

// How a child ends that breaks a CHECK.
int status_of_broken(OnBrokenCheck what) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(STDERR_FILENO);
    set_on_broken_check(what);
    DM_CHECK(1 + 1 == 3);
    ::_exit(7);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

}  // namespace

TEST(broken_check_aborts) {
  const int status = status_of_broken(OnBrokenCheck::kAbort);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

TEST(broken_check_is_logged_by_the_supervisor_which_goes_on) {
  const int status = status_of_broken(OnBrokenCheck::kGoOn);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}
