// common/io/package.h - an executable and its libraries, gathered and hashed, as one version.
// Runs nothing and writes nothing. It blocks for as long as the disk takes: call it in the
// client or in a helper thread, never in a loop.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/manifest.h"
#include "common/package_request.h"
#include "common/result.h"

namespace dm {

struct Package {
  struct Source {
    std::string path;
    std::string sha256;
    std::int64_t size = 0;  // bytes
  };
  Manifest manifest;                     // as parse_manifest() would give it
  std::vector<Source> sources;           // sources[i] is the content of manifest.files[i]
  std::vector<std::string> taken_along;  // paths of libraries that nobody asked for by --lib
};

// Bytes hashed so far, of all bytes.
using PackageProgress = std::function<void(std::int64_t done, std::int64_t total)>;

// Gathers the files. A link is taken as its content under the link's name. ELF files are read for
// the libraries that they need, and these for theirs; a library is taken
// - from request.libs, by its name or its DT_SONAME, and stored under the name it is needed by;
// - else from beside the executable, or from a directory of the run path (DT_RUNPATH, else
//   DT_RPATH) of the executable or of the file that needs it, unless that is one of the system's
//   directories or the library is a part of glibc.
// Every other library becomes a need, with the symbol versions that are asked of it: by its name,
// or by its path where only a fixed directory of the run path leads the loader to it. A script
// has its interpreter as its need.
// Errors: open_regular_file's for each path; bad-arg for an executable that is neither ELF nor a
// script, a name that no version can hold, two files of one name, libraries of another
// architecture; too-long for more files than a manifest holds; busy for a file that changes while
// it is read.
Result<Package> make_package(const PackageRequest& request, const PackageProgress& progress = {});

}  // namespace dm
