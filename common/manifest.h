// common/manifest.h - the list of files that make one version of an app. Pure: never touches a
// file; whether the blobs exist is for others to know.
//
//   MANIFEST format=1 app=redis exe=redis-server arch=x86_64 interp=/lib64/ld.so glibc=2.34
//   FILE kind=exe name=redis-server sha256=HEX64 size=N mode=755
//   FILE kind=lib name=libssl.so.3 sha256=HEX64 size=N mode=644
//   NEED lib=libc.so.6
//   NEED lib=libc.so.6 version=GLIBC_2.34
//
// Equal content gives equal bytes: the lines stand in one order (exe, libs, files, each by name;
// needs by library and version), every key in its place, interp and glibc only if there are any.
// A version is named by the SHA-256 of these bytes, so a text in any other form is refused.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace dm {

inline constexpr std::size_t kMaxManifest = 1024 * 1024;  // bytes
inline constexpr std::size_t kMaxManifestFiles = 4096;
inline constexpr std::size_t kMaxManifestNeeds = 4096;

enum class FileKind { kExe, kLib, kFile };
std::string_view word(FileKind kind);  // "exe", "lib", "file"

struct Manifest {
  struct File {
    FileKind kind = FileKind::kFile;
    std::string name;    // a base name: is_file_name()
    std::string sha256;  // 64 lower-case hex digits
    std::int64_t size = 0;
    unsigned mode = 0644;  // permission bits, at most 0777

    auto operator<=>(const File&) const = default;
  };
  // A library that the worker must have of its own, or one symbol version that it must define.
  struct Need {
    std::string library;  // a base name, or an absolute path where the program names one
    std::string version;  // "GLIBC_2.34"; empty: just the library

    auto operator<=>(const Need&) const = default;
  };

  std::string app;
  std::string exe;          // the name of the one file of kind exe
  std::string arch;         // is_arch_word(): as `uname -m` says it, or "any"
  std::string interpreter;  // an absolute path; empty for a static program
  std::string glibc;        // the newest GLIBC_ version needed, "2.34"; empty if none
  std::vector<File> files;
  std::vector<Need> needs;
};

// Whether `name` can be a file's name in a version: 1 to 255 bytes, no '/', no control byte, not
// "." or "..", no leading '-'. So it is never a path, and never read as an option.
bool is_file_name(std::string_view name);

// [a-z0-9_]+, at most 32 bytes.
bool is_arch_word(std::string_view text);

// The text of a manifest; its SHA-256 is the version's name. Sorts, and prints equal needs once.
// REQUIRES what parse_manifest() demands.
std::string print_manifest(const Manifest& manifest);

// Reads what print_manifest() prints, and nothing else. Errors: bad-arg, with the line's number
// and what is wrong with it; too-long for more than kMaxManifest bytes, kMaxManifestFiles files
// or kMaxManifestNeeds needs.
Result<Manifest> parse_manifest(std::string_view text);

}  // namespace dm
