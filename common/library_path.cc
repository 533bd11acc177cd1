#include "common/library_path.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace dm {
namespace {

constexpr std::size_t kMaxRunPath = 64;  // directories
constexpr std::string_view kSpace = " \t\r\f\v";

constexpr std::string_view kSystem[] = {"/lib",     "/lib32",     "/lib64",     "/libx32",
                                        "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32"};

constexpr std::string_view kGlibc[] = {"libc.so.6",
                                       "libm.so.6",
                                       "libpthread.so.0",
                                       "libdl.so.2",
                                       "librt.so.1",
                                       "libresolv.so.2",
                                       "libutil.so.1",
                                       "libanl.so.1",
                                       "libnsl.so.1",
                                       "libmvec.so.1",
                                       "libBrokenLocale.so.1",
                                       "libthread_db.so.1",
                                       "libc_malloc_debug.so.0"};

// Debian's multiarch names of the architectures.
constexpr std::pair<std::string_view, std::string_view> kMultiarch[] = {
    {"x86_64", "x86_64-linux-gnu"},   {"i386", "i386-linux-gnu"},
    {"x32", "x86_64-linux-gnux32"},   {"aarch64", "aarch64-linux-gnu"},
    {"arm", "arm-linux-gnueabihf"},   {"arm", "arm-linux-gnueabi"},
    {"riscv64", "riscv64-linux-gnu"}, {"ppc64le", "powerpc64le-linux-gnu"},
    {"s390x", "s390x-linux-gnu"},     {"mips64", "mips64el-linux-gnuabi64"},
    {"mips", "mipsel-linux-gnu"},     {"loongarch64", "loongarch64-linux-gnu"},
};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
    text.replace(at, from.size(), to);
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Calls `each` with every word of `text` between separators, not with empty ones.
template <typename Each>
void for_each_word(std::string_view text, std::string_view separators, Each each) {
  for (std::size_t start = 0; (start = text.find_first_not_of(separators, start)) != text.npos;) {
    const std::size_t end = std::min(text.find_first_of(separators, start), text.size());
    each(text.substr(start, end - start));
    start = end;
  }
}

void parse_config_line(std::string_view line, LibraryConfig& config) {
  line = trim(line.substr(0, line.find('#')));
  const std::string_view first = line.substr(0, line.find_first_of(kSpace));
  if (first == "include") {
    for_each_word(line.substr(first.size()), kSpace, [&config](std::string_view pattern) {
      config.entries.push_back({true, std::string(pattern)});
    });
    return;
  }
  for_each_word(line, " \t\r\f\v:,", [&config](std::string_view directory) {
    directory = directory.substr(0, directory.find('='));  // "/usr/lib=libc6" names a kind
    if (directory.starts_with('/')) config.entries.push_back({false, std::string(directory)});
  });
}

}  // namespace

std::vector<std::string> expand_run_path(std::string_view path, std::string_view origin) {
  std::vector<std::string> directories;
  for_each_word(path, ":", [&](std::string_view word) {
    std::string directory(word);
    // A '$' of the origin's own name must not be taken for a token below.
    for (const std::string_view token : {"${ORIGIN}", "$ORIGIN"})
      replace_all(directory, token, "\1");
    if (directory.find('$') != directory.npos) return;
    replace_all(directory, "\1", origin);
    if (directory.starts_with('/') && directories.size() < kMaxRunPath)
      directories.push_back(std::move(directory));
  });
  return directories;
}

bool is_system_directory(std::string_view directory) {
  return std::any_of(std::begin(kSystem), std::end(kSystem), [directory](std::string_view system) {
    return directory.starts_with(system) &&
           (directory.size() == system.size() || directory[system.size()] == '/');
  });
}

bool is_part_of_glibc(std::string_view library) {
  return library.starts_with("ld-linux") || library.starts_with("ld64.so") ||
         library.starts_with("libnss_files.so") || library.starts_with("libnss_dns.so") ||
         library == "ld.so.1" ||
         std::find(std::begin(kGlibc), std::end(kGlibc), library) != std::end(kGlibc);
}

std::vector<std::string> default_library_directories(std::string_view arch) {
  std::vector<std::string> directories;
  for (const auto& [word, triplet] : kMultiarch)
    if (word == arch)
      for (const std::string_view parent : {"/lib/", "/usr/lib/"})
        directories.push_back(std::string(parent).append(triplet));
  directories.insert(directories.end(), std::begin(kSystem), std::end(kSystem));
  return directories;
}

LibraryConfig parse_library_config(std::string_view text) {
  LibraryConfig config;
  for_each_word(text, "\n", [&config](std::string_view line) { parse_config_line(line, config); });
  return config;
}

}  // namespace dm
