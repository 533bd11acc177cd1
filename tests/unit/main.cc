// The unit tests' main program. Usage: dm-unit [--list | NAME | NAME/TEST]...
// NAME is a test file's base name without "_test.cc". Without an argument every test runs. Exit
// status 1 if a test failed, or if nothing has the given name.
#include <cstring>
#include <string_view>

#include "tests/unit/check.h"

namespace dm::test {
namespace {
Case* first = nullptr;
Case** last = &first;
int failures = 0;
}  // namespace

bool add(Case* test_case) {
  *last = test_case;
  last = &test_case->next;
  return true;
}

void failed(const char* file, int line, const std::string& what) {
  ++failures;
  std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
}

std::string order_fault(std::string_view text, std::initializer_list<std::string_view> parts) {
  std::size_t before = 0;
  std::string_view previous;
  for (const std::string_view part : parts) {
    const std::size_t at = text.find(part);
    if (at == text.npos) {
      return "nowhere: " + std::string(part) + "\n  in\n    " + std::string(text);
    }
    if (!previous.empty() && at <= before) {
      return std::string(part) + "\n  stands before\n    " + std::string(previous) +
             "\n  in\n    " + std::string(text);
    }
    before = at;
    previous = part;
  }
  return {};
}

namespace {
std::string name_of(const Case& test) {
  std::string_view file = test.file;
  if (const auto slash = file.rfind('/'); slash != file.npos) file.remove_prefix(slash + 1);
  return std::string(file.substr(0, file.rfind("_test.cc"))) + "/" + test.name;
}

// `wanted` is NAME/TEST, NAME or nothing.
bool fits(std::string_view name, std::string_view wanted) {
  return wanted.empty() || name == wanted || name.substr(0, name.find('/')) == wanted;
}

int list() {
  for (const Case* c = first; c; c = c->next) std::printf("%s\n", name_of(*c).c_str());
  return 0;
}

int run(std::string_view wanted) {
  int passed = 0, red = 0;
  for (Case* c = first; c; c = c->next) {
    const std::string name = name_of(*c);
    if (!fits(name, wanted)) continue;
    const int before = failures;
    c->body();
    if (failures == before) {
      ++passed;
    } else {
      ++red;
      std::fprintf(stderr, "FAILED %s\n", name.c_str());
    }
  }
  std::printf("%d passed, %d failed\n", passed, red);
  if (passed + red == 0) std::fprintf(stderr, "no test is named so; dm-unit --list\n");
  return passed == 0 || red > 0 ? 1 : 0;
}
}  // namespace
}  // namespace dm::test

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "--list") == 0) return dm::test::list();
  int status = argc > 1 ? 0 : dm::test::run("");
  for (int i = 1; i < argc; ++i) status |= dm::test::run(argv[i]);
  return status;
}
