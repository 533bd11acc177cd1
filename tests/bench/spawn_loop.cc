// usage: dm-bench-spawn COUNT EXE DIR
// The least that launching can be: for each of COUNT processes one fork, a log file of its own in
// DIR dup2ed to its output, one exec. Prints launches per second, then ends them all.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

namespace {

pid_t launch(const char* exe, const std::string& log) {
  const int fd = ::open(log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setsid();
    ::dup2(fd, STDOUT_FILENO);
    ::dup2(fd, STDERR_FILENO);
    ::execl(exe, exe, static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(fd);
  return pid;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 100;
  const int count = ::atoi(argv[1]);
  std::vector<pid_t> pids;
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i)
    pids.push_back(launch(argv[2], std::string(argv[3]) + "/log." + std::to_string(i)));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  ::printf("%.0f\n", count / took.count());
  for (pid_t pid : pids) ::kill(pid, SIGKILL);
  for (pid_t pid : pids) ::waitpid(pid, nullptr, 0);
}
