#include "master/io/shell_child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io/system.h"
#include "master/client/io/run_client.h"

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

ShellChild::ShellChild() {
  termios now{};
  if (::tcgetattr(STDIN_FILENO, &now) == 0) terminal_ = now;
}

Status ShellChild::start(const Endpoint& control) {
  child_ = ::fork();
  if (child_ < 0) return system_error("start", "the shell");
  if (child_ == 0) be_shell(control);
  return {};
}

std::optional<int> ShellChild::take_status() {
  int status = 0;
  if (child_ <= 0 || retry([&] { return ::waitpid(child_, &status, WNOHANG); }) != child_)
    return std::nullopt;
  child_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void ShellChild::end() {
  if (child_ > 0 && is_interactive()) ::kill(child_, SIGTERM);
}

void ShellChild::retake_terminal() const {
  if (!terminal_ || ::isatty(STDIN_FILENO) == 0) return;
  take_foreground(::getpgrp());
  // A shell that was killed has left it raw.
  (void)::tcsetattr(STDIN_FILENO, TCSANOW, &*terminal_);
}

}  // namespace dm::master
