// Runs the tests whose file's base name is given (without "_test.cc"), or all of them.
#include <cstring>
#include <string_view>

#include "tests/unit/check.h"

namespace dm::test {
namespace {
Case* first = nullptr;
int failures = 0;
}  // namespace

bool add(Case* test_case) {
  test_case->next = first;
  first = test_case;
  return true;
}

void failed(const char* file, int line, const std::string& what) {
  ++failures;
  std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
}

namespace {
std::string_view noun(std::string_view file) {
  const auto slash = file.rfind('/');
  if (slash != std::string_view::npos) file.remove_prefix(slash + 1);
  return file.substr(0, file.rfind("_test.cc"));
}

int run(std::string_view wanted) {
  int passed = 0, red = 0;
  for (Case* c = first; c; c = c->next) {
    if (!wanted.empty() && noun(c->file) != wanted) continue;
    const int before = failures;
    c->body();
    if (failures == before) {
      ++passed;
    } else {
      ++red;
      std::fprintf(stderr, "FAILED %s (%s)\n", c->name, c->file);
    }
  }
  std::printf("%d passed, %d failed\n", passed, red);
  return passed == 0 || red > 0 ? 1 : 0;
}
}  // namespace
}  // namespace dm::test

int main(int argc, char** argv) {
  return dm::test::run(argc > 1 ? argv[1] : "");
}
