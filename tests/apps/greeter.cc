// A program that needs a library of its own: the stories copy both.
#include <stdio.h>

#include "tests/apps/greeting.h"

int main() {
  puts(greeting());
  return 0;
}
