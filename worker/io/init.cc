#include "worker/io/init.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io/system.h"
#include "worker/io/say.h"
#include "worker/io/stop_apps.h"

namespace dm::worker {
namespace {

sigset_t awaited() {
  sigset_t set;
  ::sigemptyset(&set);
  for (int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, signal);
  return set;
}

pid_t fork_with(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  const sigset_t set = awaited();
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  ::_exit(work());
}

int stop_everything(const std::string& root) {
  const auto stopped = stop_apps(root);
  if (!stopped) say(stopped.error().message);
  return 0;
}

// Reaps all that have ended. True if `child` was among them, with its exit status.
bool reap(pid_t child, int& result) {
  bool has_ended = false;
  int status = 0;
  for (pid_t pid = 0; (pid = retry([&] { return ::waitpid(-1, &status, WNOHANG); })) > 0;) {
    if (pid != child) continue;
    has_ended = true;
    result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return has_ended;
}

}  // namespace

bool is_init() {
  return ::getpid() == 1;
}

int run_as_init(const std::string& root, const std::function<int()>& agent) {
  const sigset_t set = awaited();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  const pid_t child = fork_with(agent);
  if (child < 0) {
    say(system_error("fork", "the agent").message);
    return 111;
  }
  pid_t stopper = 0;
  while (true) {
    const int signal = retry([&] { return ::sigwaitinfo(&set, nullptr); });
    if (signal == SIGHUP) ::kill(child, SIGHUP);
    if ((signal == SIGTERM || signal == SIGINT) && stopper == 0) {
      say("stopping every app: this is the first process of a container");
      stopper = fork_with([&] { return stop_everything(root); });
      if (stopper < 0) ::kill(child, SIGTERM);
    }
    if (signal != SIGCHLD) continue;
    // The agent ends by itself once it has heard that everything was stopped.
    int result = 0;
    if (reap(child, result)) return result;
    if (stopper > 0 && ::kill(stopper, 0) != 0) ::kill(child, SIGTERM);
  }
}

}  // namespace dm::worker
