// dm-orphans SECONDS: makes grandchildren that end at once, as many as the machine gives, each of
// them an orphan that its subreaper must reap. Says how many were made. With 0 it ends at once
// itself, with exit code 3. The processes in between it waits for itself: whoever reaps here has
// one end for each orphan, and one for the program.
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace {
double now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Full of zombies that nobody has reaped yet, the system has no pid left for a moment.
pid_t fork_at_last() {
  pid_t child = 0;
  while ((child = ::fork()) < 0 && errno == EAGAIN) ::sched_yield();
  return child;
}
}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
  if (seconds <= 0) return 3;
  const double until = now() + seconds;
  constexpr int kAtOnce = 50;
  long made = 0;
  while (now() < until) {
    const pid_t parent = fork_at_last();
    if (parent < 0) return 111;
    if (parent == 0) {
      for (int i = 0; i < kAtOnce; ++i) {
        const pid_t child = fork_at_last();
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
