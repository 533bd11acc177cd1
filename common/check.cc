#include "common/check.h"

#include <cstdio>
#include <cstdlib>

namespace dm {
namespace {

OnBrokenCheck on_broken = OnBrokenCheck::kAbort;

}  // namespace

void set_on_broken_check(OnBrokenCheck what) {
  on_broken = what;
}

void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: CHECK(%s) failed\n", file, line, condition);
  if (on_broken == OnBrokenCheck::kAbort) std::abort();
}

}  // namespace dm
