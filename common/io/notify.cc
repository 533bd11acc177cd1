#include "common/io/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/codec.h"
#include "common/io/fd.h"

namespace dm {

Notify::Notify() {
  if (const char* address = ::getenv("NOTIFY_SOCKET")) address_ = address;
  const char* period = ::getenv("WATCHDOG_USEC");
  const char* pid = ::getenv("WATCHDOG_PID");
  const bool ours = pid == nullptr || parse_integer(pid) == ::getpid();
  if (period != nullptr && ours) watchdog_ms_ = parse_integer(period).value_or(0) / 2000;
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID",
                           "LISTEN_FDS", "LISTEN_FDNAMES"})
    ::unsetenv(name);
}

void Notify::send(std::string_view state) const {
  sockaddr_un to{};
  if (address_.empty() || address_.size() >= sizeof to.sun_path) return;
  to.sun_family = AF_UNIX;
  ::memcpy(to.sun_path, address_.data(), address_.size());
  // An abstract name begins with NUL, which "@" stands for (unix(7)).
  if (to.sun_path[0] == '@') to.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&to), size);
}

void Notify::feed_watchdog(Loop& loop) const {
  if (watchdog_ms_ <= 0) return;
  send("WATCHDOG=1");
  loop.at(loop.now().mono_ms + watchdog_ms_, [this, &loop] { feed_watchdog(loop); });
}

}  // namespace dm
