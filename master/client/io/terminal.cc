#include "master/client/io/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "common/io/system.h"

namespace dm {
namespace {

// Bracketed paste, as xterm's ctlseqs describe it.
constexpr std::string_view kPasteMarksOn = "\x1b[?2004h";
constexpr std::string_view kPasteMarksOff = "\x1b[?2004l";

bool is_ready(int fd, short events) {
  pollfd watched{fd, events, 0};
  return retry([&] { return ::poll(&watched, 1, 0); }) > 0;
}

}  // namespace

Status Terminal::edit() {
  return enter(Mode::kEdit);
}

Status Terminal::wait() {
  return enter(Mode::kWait);
}

Status Terminal::enter(Mode mode) {
  if (mode_ == mode) return {};
  const bool was_original = mode_ == Mode::kOriginal;
  if (was_original && ::tcgetattr(input_, &original_) < 0) return system_error("read", "terminal");
  termios changed = original_;
  // Output is processed as before, so that "\n" goes on meaning the start of the next row.
  changed.c_iflag &= ~static_cast<tcflag_t>(BRKINT | ICRNL | IGNCR | INLCR | INPCK | ISTRIP | IXON);
  changed.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | IEXTEN | ISIG);
  if (mode == Mode::kWait) changed.c_lflag |= ISIG;
  changed.c_cc[VMIN] = 1;
  changed.c_cc[VTIME] = 0;
  if (retry([&] { return ::tcsetattr(input_, TCSANOW, &changed); }) < 0)
    return system_error("set", "terminal");
  mode_ = mode;
  if (was_original) write_all(kPasteMarksOn);
  return {};
}

void Terminal::restore() {
  if (mode_ == Mode::kOriginal) return;
  mode_ = Mode::kOriginal;
  write_all(kPasteMarksOff);
  retry([&] { return ::tcsetattr(input_, TCSANOW, &original_); });
}

TerminalSize Terminal::size() const {
  TerminalSize size;
  winsize window = {};
  if (::ioctl(output_, TIOCGWINSZ, &window) < 0) return size;
  if (window.ws_col > 0) size.columns = window.ws_col;
  if (window.ws_row > 0) size.rows = window.ws_row;
  return size;
}

bool Terminal::read_available(std::string& bytes) {
  if (!is_ready(input_, POLLIN)) return true;
  char buffer[4096];
  const ssize_t got = retry([&] { return ::read(input_, buffer, sizeof buffer); });
  if (got < 0 && errno == EAGAIN) return true;
  if (got <= 0) return false;
  bytes.append(buffer, static_cast<std::size_t>(got));
  return true;
}

bool Terminal::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = retry([&] { return ::write(output_, bytes.data(), bytes.size()); });
    if (put >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
      continue;
    }
    // Another program may have left the terminal nonblocking: then the wait is here.
    if (errno != EAGAIN) return false;
    pollfd watched{output_, POLLOUT, 0};
    if (retry([&] { return ::poll(&watched, 1, -1); }) < 0) return false;
  }
  return true;
}

bool terminal_is_dumb() {
  const char* name = std::getenv("TERM");
  return name == nullptr || *name == '\0' || std::string_view(name) == "dumb";
}

}  // namespace dm
