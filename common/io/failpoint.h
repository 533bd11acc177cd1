// common/io/failpoint.h - places where a test can make the system fail. Only in programs that were
// compiled with DM_FAILPOINTS, which none that is installed is; elsewhere nothing of it remains.
//
//   DM_FAIL=journal.sync:EIO@3            the third call fails with EIO
//   DM_FAIL=journal.sync:EIO@3+           the third and every later one
//   DM_FAIL=blob.write:ENOSPC             every call
//   DM_FAIL=log.open:EMFILE@1,accept:EINTR@2      several
//
// Calls are counted for each process and each place. The errors are EIO, ENOSPC, EMFILE, ENFILE,
// EAGAIN, ENOMEM, EINTR and EOPNOTSUPP; an entry that cannot be read ends the program at the first
// place it meets. tests/torture/README.md lists the places.
#pragma once

#include <string_view>

namespace dm {

#ifdef DM_FAILPOINTS
inline namespace with_failpoints {
// True if this call shall fail; errno is set then.
bool fails_at(std::string_view point);
}  // namespace with_failpoints
#else
inline namespace without_failpoints {
constexpr bool fails_at(std::string_view) {
  return false;
}
}  // namespace without_failpoints
#endif

}  // namespace dm
