// common/check.h - CHECK(condition): what a header REQUIRES, checked in release builds as well. A
// broken one is a bug of ours. The master and the agent then abort, for their journals bring them
// back; the supervisor logs it and goes on, for nothing brings its children back. Pure.
#pragma once

namespace dm {

enum class OnBrokenCheck {
  kAbort,
  kGoOn,
};
// Said once by main(), before anything else; kAbort if it is not.
void set_on_broken_check(OnBrokenCheck what);

// Writes "FILE:LINE: CHECK(CONDITION) failed" on standard error, then aborts or returns.
void check_failed(const char* file, int line, const char* condition);

}  // namespace dm

#define DM_CHECK(condition)                                             \
  do {                                                                  \
    if (!(condition)) dm::check_failed(__FILE__, __LINE__, #condition); \
  } while (false)
