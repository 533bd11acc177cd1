// dm-orphans SECONDS: makes grandchildren that end at once, as many as the machine gives, each of
// them an orphan that its subreaper must reap. Says how many were made. With 0 it ends at once
// itself, with exit code 3.
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {
double now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}
}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
  if (seconds <= 0) return 3;
  const double until = now() + seconds;
  constexpr int kAtOnce = 50;
  long made = 0;
  while (now() < until) {
    const pid_t parent = ::fork();
    if (parent < 0) return 111;
    if (parent == 0) {
      for (int i = 0; i < kAtOnce; ++i) {
        const pid_t child = ::fork();
        if (child == 0) ::_exit(0);
        if (child < 0) ::_exit(1);
      }
      ::_exit(0);  // its children, all of them zombies already, are orphans now
    }
    int status = 0;
    if (::waitpid(parent, &status, 0) != parent || status != 0) return 111;
    made += kAtOnce;
  }
  std::printf("made %ld\n", made);
}
