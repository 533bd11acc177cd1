// common/elf.h - what an ELF file says about the libraries it needs (System V gABI, chapters 4
// and 5; the symbol versions as in the Linux Standard Base). Pure: never opens or runs anything.
//
// Files are hostile: nothing outside of them is read, every loop and every string is bounded
// (1 MiB of names in all). Section headers are not used, so stripped files are read as well.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace dm {

enum class ElfType { kExecutable, kShared, kOther };  // ET_EXEC; ET_DYN (also PIE); the rest

struct ElfInfo {
  struct VersionNeed {
    std::string library;                // as in `needed`
    std::vector<std::string> versions;  // "GLIBC_2.34"; without the weak ones, which may lack
  };

  int bits = 64;  // 32 or 64
  bool little_endian = true;
  std::string machine;  // as `uname -m` has it: x86_64, aarch64, i386, arm, riscv64, ...
  ElfType type = ElfType::kOther;
  std::string interpreter;          // PT_INTERP; empty if there is none
  std::vector<std::string> needed;  // DT_NEEDED, in order
  std::string soname;
  std::string runpath;  // DT_RUNPATH as it stands: "$ORIGIN/../lib:/opt/x"
  std::string rpath;    // DT_RPATH, which counts only without a runpath
  std::vector<VersionNeed> version_needs;
  std::vector<std::string> versions;  // those that the file defines, if it is a library
};

// Fills to[0..size) with the bytes at `offset`; false if they are not all there. Asked only for
// bytes within the file, at most 1 MiB at once.
using ReadAt = std::function<bool(std::uint64_t offset, char* to, std::size_t size)>;

// Whether the bytes begin as ELF files do; four are enough.
bool is_elf(std::string_view bytes);

// Reads a file of `size` bytes. Errors: bad-arg, with what is wrong ("not an ELF file",
// "truncated", ...), as the end of a sentence that names the file.
Result<ElfInfo> read_elf(const ReadAt& read_at, std::uint64_t size);
Result<ElfInfo> read_elf(std::string_view bytes);

// The interpreter of a script that begins with "#!": "/bin/sh". nullopt if the bytes (the first
// 256 of a file are enough, execve(2) reads no more) begin otherwise or name none.
std::optional<std::string> script_interpreter(std::string_view bytes);

}  // namespace dm
