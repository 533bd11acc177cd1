// usage: dm-bench-restart FILE...
// Each FILE holds the line of one running dm-bench-pause. Kills that process with SIGKILL, waits
// until its successor has written its own line, and prints the median of the milliseconds between.
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include <algorithm>
#include <vector>

namespace {

long long now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<long long>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

struct Stamp {
  long long ns = 0;
  int pid = 0;
};

std::vector<Stamp> read_stamps(const char* path) {
  std::vector<Stamp> stamps;
  FILE* file = ::fopen(path, "re");
  if (file == nullptr) return stamps;
  Stamp stamp;
  while (::fscanf(file, "%lld %d\n", &stamp.ns, &stamp.pid) == 2) stamps.push_back(stamp);
  ::fclose(file);
  return stamps;
}

// Milliseconds until the successor lived; negative if there was none within five seconds.
double restart(const char* path) {
  const auto before = read_stamps(path);
  if (before.size() != 1) return -1;
  const long long killed = now_ns();
  if (::kill(before[0].pid, SIGKILL) != 0) return -1;
  while (now_ns() - killed < 5'000'000'000) {
    const timespec pause{0, 200'000};
    ::nanosleep(&pause, nullptr);
    const auto after = read_stamps(path);
    if (after.size() > 1) return static_cast<double>(after[1].ns - killed) / 1e6;
  }
  return -1;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<double> times;
  for (int i = 1; i < argc; ++i) {
    times.push_back(restart(argv[i]));
    if (times.back() < 0) return 1;
  }
  if (times.empty()) return 100;
  std::sort(times.begin(), times.end());
  ::printf("%.2f\n", times[times.size() / 2]);
}
