#include "common/io/system.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <cstdlib>

namespace dm {
namespace {

std::int64_t read_ms(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

Code code_of(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT: return Code::kNoSpace;
    case ENOENT: return Code::kNotFound;
    case EACCES:
    case EPERM: return Code::kDenied;
    default: return Code::kInternal;
  }
}

}  // namespace

std::string errno_words(int error) {
  char buffer[128] = "";
  // The GNU strerror_r returns the text, which need not stand in the buffer.
  return ::strerror_r(error, buffer, sizeof buffer);
}

Error system_error(std::string_view action, std::string_view object, int error) {
  std::string message(action);
  if (!object.empty()) message.append(" ").append(object);
  return fail(code_of(error), message + ": " + errno_words(error));
}

Now read_clock() {
#ifdef CLOCK_BOOTTIME
  return Now{read_ms(CLOCK_BOOTTIME), read_ms(CLOCK_REALTIME)};
#else
  return Now{read_ms(CLOCK_MONOTONIC), read_ms(CLOCK_REALTIME)};
#endif
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got = retry([&] { return ::getrandom(bytes.data() + done, count - done, 0); });
    // Identity and keys rest on these bytes: without them nothing may go on.
    if (got <= 0) std::abort();
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

std::string random_hex(std::size_t bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string hex;
  for (char c : random_bytes(bytes)) {
    const auto byte = static_cast<unsigned char>(c);
    hex += kHex[byte >> 4];
    hex += kHex[byte & 15];
  }
  return hex;
}

}  // namespace dm
