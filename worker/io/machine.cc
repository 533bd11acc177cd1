#include "worker/io/machine.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "common/io/fd.h"

extern char** environ;

namespace dm::worker {
namespace {

constexpr int kPatienceMs = 1000;

// Its first line; empty if there is none in time.
std::string first_line(int fd) {
  pollfd wait{fd, POLLIN, 0};
  char buffer[64];
  if (::poll(&wait, 1, kPatienceMs) != 1) return "";
  const ssize_t count = ::read(fd, buffer, sizeof buffer);
  if (count <= 0) return "";
  const std::string text(buffer, static_cast<std::size_t>(count));
  return text.substr(0, text.find('\n'));
}

}  // namespace

bool machine_stays_up() {
  if (::getenv("INVOCATION_ID") == nullptr || ::access("/run/systemd/system", F_OK) != 0)
    return false;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  Fd out(ends[0]), in(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.get(), STDOUT_FILENO);
  char program[] = "systemctl", word[] = "is-system-running";
  char* argv[] = {program, word, nullptr};
  pid_t child = -1;
  const int failed = ::posix_spawnp(&child, program, &actions, nullptr, argv, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return false;
  in = Fd();
  const std::string state = first_line(out.get());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  return !state.empty() && state != "stopping" && state != "offline" && state != "unknown";
}

}  // namespace dm::worker
