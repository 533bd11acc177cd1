// common/library_path.h - where libraries are looked for: the rules of ld.so(8) and ld.so.conf.
// Pure: knows names of directories, never whether they exist.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dm {

// The directories of a DT_RUNPATH or DT_RPATH, with $ORIGIN and ${ORIGIN} replaced by the
// directory of the file that has it. Left out: relative and empty ones (they mean the directory
// where the program is started), and those with $LIB or $PLATFORM, which every system words in
// its own way. At most 64.
std::vector<std::string> expand_run_path(std::string_view path, std::string_view origin);

// Whether libraries in `directory` belong to the system: /lib, /usr/lib, /lib32, /lib64, ... and
// all below them. REQUIRES an absolute path without links and "..".
bool is_system_directory(std::string_view directory);

// Whether a library is part of glibc. These and the dynamic loader work only as one set, so none
// is taken along unless it is asked for.
bool is_part_of_glibc(std::string_view library);

// The directories that ld.so searches on its own, with Debian's for the architecture first.
std::vector<std::string> default_library_directories(std::string_view arch);

// One file of /etc/ld.so.conf's kind.
struct LibraryConfig {
  struct Entry {
    bool include = false;  // `text` is a pattern of files to read here
    std::string text;
  };
  std::vector<Entry> entries;  // in order
};
// Never fails: ldconfig ignores what it does not understand, and so does this.
LibraryConfig parse_library_config(std::string_view text);

}  // namespace dm
