#include "master/io/shell_child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io/system.h"
#include "master/shell/io/run_client.h"

namespace dm::master {
namespace {

// The daemon's sockets and its lock are not the shell's: it must not keep them alive.
void close_all_but_stdio() {
#ifdef SYS_close_range
  if (::syscall(SYS_close_range, 3U, ~0U, 0U) == 0) return;
#endif
  for (int fd = 3; fd < 4096; ++fd) ::close(fd);
}

void take_foreground(pid_t group) {
  ::signal(SIGTTOU, SIG_IGN);
  (void)::tcsetpgrp(STDIN_FILENO, group);
}

[[noreturn]] void be_shell(const Endpoint& control) {
  for (int signal : {SIGINT, SIGTERM, SIGCHLD, SIGPIPE, SIGHUP}) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const bool terminal = ::isatty(STDIN_FILENO) != 0;
  if (terminal) {
    // A group of its own: ^C and ^Z of the terminal reach the shell and nobody else.
    ::setpgid(0, 0);
    take_foreground(::getpid());
  }
  close_all_but_stdio();
  ClientOptions options;
  options.master = control;
  options.attached = terminal;
  ::_exit(run_client(options, {}));
}

}  // namespace

Result<pid_t> start_shell(const Endpoint& control) {
  const pid_t child = ::fork();
  if (child < 0) return system_error("start", "the shell");
  if (child == 0) be_shell(control);
  return child;
}

std::optional<int> shell_status(pid_t child) {
  int status = 0;
  const pid_t ended = retry([&] { return ::waitpid(child, &status, WNOHANG); });
  if (ended != child) return std::nullopt;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void retake_terminal() {
  if (::isatty(STDIN_FILENO) != 0) take_foreground(::getpgrp());
}

}  // namespace dm::master
