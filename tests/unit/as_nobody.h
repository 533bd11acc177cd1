// tests/unit/as_nobody.h - runs a part of a test without root's powers over modes.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace dm::test {

inline constexpr uid_t kNobody = 65534;

// Whether `body`, a bool(), holds when it is run by a user who is not root, in a child process. As
// root `directory` is given to that user first.
template <typename Body>
bool holds_for_nobody(const std::string& directory, Body body) {
  const bool is_root = ::geteuid() == 0;
  if (is_root && ::chown(directory.c_str(), kNobody, kNobody) != 0) return false;
  const pid_t child = ::fork();
  if (child == 0) {
    const bool dropped = !is_root || (::setgid(kNobody) == 0 && ::setuid(kNobody) == 0);
    ::_exit(dropped && body() ? 0 : 1);
  }
  int status = 1;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace dm::test
