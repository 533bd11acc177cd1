#include "worker/io/log_watch.h"

#include "common/io/system.h"

#ifdef __linux__
#include <sys/inotify.h>
#include <unistd.h>
#endif

namespace dm::worker {

#ifdef __linux__

LogWatch::LogWatch(int directory) : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  // By its descriptor, so that it is the very directory that logs are made in.
  const std::string path = "/proc/self/fd/" + std::to_string(directory);
  constexpr unsigned kWhat = IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
  if (fd_.valid() && ::inotify_add_watch(fd_.get(), path.c_str(), kWhat) < 0) fd_.reset();
}

std::optional<std::set<std::string>> LogWatch::take() {
  std::set<std::string> names;
  bool is_whole = fd_.valid();
  alignas(inotify_event) char events[16 * 1024];
  while (fd_.valid()) {
    const ssize_t got = retry([&] { return ::read(fd_.get(), events, sizeof events); });
    if (got <= 0) break;
    std::string_view last;
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(events + at);
      at += static_cast<ssize_t>(sizeof *event) + event->len;
      if ((event->mask & IN_Q_OVERFLOW) != 0) is_whole = false;
      // Who writes often is named often.
      if (event->len == 0 || last == event->name) continue;
      last = event->name;
      names.emplace(last);
    }
  }
  if (!is_whole) return std::nullopt;
  return names;
}

#else

LogWatch::LogWatch(int) {}
std::optional<std::set<std::string>> LogWatch::take() {
  return std::nullopt;
}

#endif

}  // namespace dm::worker
