// usage: dm-bench-ask SOCKET PERIOD_MS SECONDS COMMAND
// Another operator: sends COMMAND to the control socket every PERIOD_MS, each once the one before
// is answered, until SIGTERM or for SECONDS. Prints how many answers came, the median, and the
// slowest in milliseconds; an answer still missing at the end counts by the time that it has taken.
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace {

volatile sig_atomic_t ended = 0;

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point begun) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
}

int connect_to(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

// True once a line has come that does not begin with a space: the end of the answer.
bool answered(std::string& got) {
  while (true) {
    const std::size_t end = got.find('\n');
    if (end == std::string::npos) return false;
    const bool last = got[0] != ' ';
    got.erase(0, end + 1);
    if (last) return true;
  }
}

// False at the end of the connection or of the time.
bool ask(int fd, std::string_view command, Clock::time_point until) {
  if (::send(fd, command.data(), command.size(), MSG_NOSIGNAL) < 0) return false;
  std::string got;
  char bytes[64 * 1024];
  while (!answered(got)) {
    pollfd waiting{fd, POLLIN, 0};
    if (ended != 0 || Clock::now() >= until) return false;
    if (::poll(&waiting, 1, 100) <= 0) continue;
    const ssize_t count = ::recv(fd, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    got.append(bytes, static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 100;
  struct sigaction action {};
  action.sa_handler = [](int) { ended = 1; };
  ::sigaction(SIGTERM, &action, nullptr);
  const int fd = connect_to(argv[1]);
  if (fd < 0) return 1;
  const std::chrono::milliseconds period(::atoi(argv[2]));
  const auto until = Clock::now() + std::chrono::seconds(::atoi(argv[3]));
  const std::string command = std::string(argv[4]) + "\n";
  std::vector<double> took;
  while (ended == 0 && Clock::now() < until) {
    const auto begun = Clock::now();
    const bool is_whole = ask(fd, command, until);
    took.push_back(ms_since(begun));
    if (!is_whole) break;
    const auto left = std::chrono::duration<double, std::milli>(period).count() - took.back();
    if (left > 0) ::usleep(static_cast<useconds_t>(left * 1000));
  }
  if (took.empty()) return 1;
  std::sort(took.begin(), took.end());
  ::printf("%zu %.1f %.1f\n", took.size(), took[took.size() / 2], took.back());
}
