// A library that the stories copy beside its program, or forget to.
#include "tests/apps/greeting.h"

const char* greeting() {
  return "hello from the library";
}
