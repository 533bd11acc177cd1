// common/elf.h and common/library_path.h: any file; what is said of it is within the file, bounded,
// and the same however the file is read.
#include "common/elf.h"

#include <algorithm>
#include <cstring>

#include "common/library_path.h"
#include "tests/fuzz/target.h"

using namespace dm;

namespace {

constexpr std::size_t kMostStrings = 1024 * 1024;  // the header's promise
constexpr std::size_t kMostAtOnce = 1024 * 1024;

std::vector<std::string> strings_of(const ElfInfo& info) {
  std::vector<std::string> all = {info.interpreter, info.soname, info.runpath, info.rpath};
  all.insert(all.end(), info.needed.begin(), info.needed.end());
  all.insert(all.end(), info.versions.begin(), info.versions.end());
  for (const auto& need : info.version_needs) {
    CHECK(!need.versions.empty());
    all.push_back(need.library);
    all.insert(all.end(), need.versions.begin(), need.versions.end());
  }
  return all;
}

void check_directories(const std::vector<std::string>& directories, std::string_view origin) {
  CHECK(directories.size() <= 64);
  for (const std::string& directory : directories) {
    CHECK(directory.starts_with('/'));
    CHECK(origin.find('$') != origin.npos || directory.find('$') == directory.npos);
  }
}

void check_config(std::string_view text) {
  std::size_t bytes = 0;
  for (const auto& entry : parse_library_config(text).entries) {
    CHECK(!entry.text.empty());
    CHECK(entry.text.find('\n') == entry.text.npos && entry.text.find('#') == entry.text.npos);
    CHECK(entry.include || entry.text.starts_with('/'));
    bytes += entry.text.size();
  }
  CHECK(bytes <= text.size());
}

}  // namespace

TARGET(elf) {
  const auto info = read_elf(input);
  const auto again = read_elf(
      [input](std::uint64_t offset, char* to, std::size_t size) {
        CHECK(offset <= input.size() && size <= input.size() - offset);
        CHECK(size <= kMostAtOnce);
        std::memcpy(to, input.data() + offset, size);
        return true;
      },
      input.size());
  CHECK_EQ(info.has_value(), again.has_value());
  // A disk that fails must be told, whatever has been read by then.
  std::size_t reads_left = input.size() % 7;
  const auto cut = read_elf(
      [&](std::uint64_t offset, char* to, std::size_t size) {
        if (reads_left == 0) return false;
        --reads_left;
        std::memcpy(to, input.data() + offset, size);
        return true;
      },
      input.size());
  CHECK(!cut.has_value() || info.has_value());
  if (info) {
    CHECK(is_elf(input));
    CHECK(info->bits == 32 || info->bits == 64);
    CHECK(!info->machine.empty());
    std::size_t bytes = 0;
    for (const std::string& text : strings_of(*info)) {
      CHECK(text.find('\0') == text.npos);
      bytes += text.size();
    }
    CHECK(bytes <= kMostStrings);
    check_directories(expand_run_path(info->runpath, "/opt/x"), "/opt/x");
  } else {
    CHECK(info.error().code == Code::kBadArg);
  }
  check_directories(expand_run_path(input, "/opt/$x"), "/opt/$x");
  check_directories(expand_run_path(input, "/opt/x"), "/opt/x");
  check_config(input);
  if (const auto script = script_interpreter(input)) {
    CHECK(input.starts_with("#!"));
    CHECK(input.find(*script) < 256);
    CHECK(script->find_first_of(std::string_view(" \t\n\0", 4)) == script->npos);
  }
}
