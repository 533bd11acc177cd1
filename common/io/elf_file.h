// common/io/elf_file.h - opens files that users name, and reads ELF files by their descriptor.
// Never maps a file: one that is cut short meanwhile would end the process by SIGBUS.
#pragma once

#include <cstdint>
#include <string>

#include "common/elf.h"
#include "common/io/fd.h"
#include "common/result.h"

namespace dm {

struct OpenFile {
  Fd fd;
  std::int64_t size = 0;       // bytes, when it was opened
  bool is_executable = false;  // by its owner
};

// Opens a regular file for reading, following links; never waits for a FIFO's other end.
// Errors: not-found, denied ("cannot open PATH: reason"); bad-arg for a directory ("PATH is a
// directory"), a device and the like, a path that no file can have.
Result<OpenFile> open_regular_file(const std::string& path);

// read_elf() of a file, by pread(2). Errors: read_elf's.
Result<ElfInfo> read_elf_file(const OpenFile& file);

}  // namespace dm
