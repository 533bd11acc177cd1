// common/io/system.h - the small calls everybody needs: errno in words, EINTR in one place, time.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/result.h"

namespace dm {

// strerror's words for an errno, without its thread trouble.
std::string errno_words(int error);

// An Error for a failed system call: `verb object: reason`. ENOSPC and EDQUOT become no-space,
// ENOENT not-found, EACCES and EPERM denied, everything else internal.
Error system_error(std::string_view action, std::string_view object, int error = errno);

// Calls until the answer is not EINTR.
template <typename Call>
auto retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// CLOCK_BOOTTIME (it goes on while the machine sleeps) and CLOCK_REALTIME.
Now read_clock();

// Bytes from getrandom(2); never fails once the system has booted.
std::string random_bytes(std::size_t count);
std::string random_hex(std::size_t bytes);

}  // namespace dm
