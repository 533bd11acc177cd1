// The app of the benchmark: appends "MONOTONIC-NANOSECONDS PID" to the file that it is given, if
// any, and waits for ever.
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc > 1) {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const int fd = ::open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    ::dprintf(fd, "%lld %d\n", static_cast<long long>(now.tv_sec) * 1'000'000'000 + now.tv_nsec,
              static_cast<int>(::getpid()));
    ::close(fd);
  }
  while (true) ::pause();
}
