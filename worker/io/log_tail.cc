#include "worker/io/log_tail.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>

#include "common/io/system.h"

#ifdef __linux__
#include <sys/inotify.h>
#endif

namespace dm::worker {
namespace {

// Nothing but a hole (lseek(2), SEEK_DATA); false where nobody can tell.
bool is_hole(int fd, std::int64_t begin, std::int64_t end) {
  const off_t data = ::lseek(fd, begin, SEEK_DATA);
  return data >= 0 ? data >= end : errno == ENXIO;
}

}  // namespace

Result<std::int64_t> start_of_last_lines(int fd, std::int64_t size, std::int64_t lines,
                                         std::int64_t floor) {
  constexpr std::int64_t kBlock = 64 * 1024;
  if (lines <= 0) return size;
  const auto block = std::make_unique<char[]>(kBlock);
  // The newline at the very end closes the last line, it separates nothing.
  for (std::int64_t end = size; end > floor;) {
    const std::int64_t begin = std::max<std::int64_t>(end - kBlock, floor);
    if (is_hole(fd, begin, end)) return end;
    const auto wanted = static_cast<std::size_t>(end - begin);
    const ssize_t got = retry([&] { return ::pread(fd, block.get(), wanted, begin); });
    if (got < 0) return system_error("read", "log");
    for (std::int64_t at = got - 1; at >= 0; --at) {
      if (block[static_cast<std::size_t>(at)] != '\n' || begin + at == size - 1) continue;
      if (--lines == 0) return begin + at + 1;
    }
    end = begin;
  }
  return floor;
}

#ifdef __linux__

GrowthWatch::GrowthWatch(int file) : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  // By its descriptor, so that it is the very file that we read.
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  if (fd_.valid() && ::inotify_add_watch(fd_.get(), path.c_str(), IN_MODIFY) < 0) fd_.reset();
}

void GrowthWatch::clear() {
  char events[4096];
  while (fd_.valid() && ::read(fd_.get(), events, sizeof events) > 0) {
  }
}

#else

GrowthWatch::GrowthWatch(int) {}
void GrowthWatch::clear() {}

#endif

}  // namespace dm::worker
