// master/client/io/upload.h - brings the files of a command to the master: reads and hashes them
// here, sends what the master lacks. Blocks: for helper threads.
#pragma once

#include <functional>
#include <string>

#include "common/io/line_peer.h"
#include "common/io/package.h"

namespace dm {

struct Uploaded {
  std::string manifest;  // its SHA-256: the version
  std::vector<std::string> taken_along;
};

using UploadProgress =
    std::function<void(const std::string& what, std::int64_t done, std::int64_t total)>;

// Errors: make_package's, the master's, lost.
Result<Uploaded> upload_package(LinePeer& master, const PackageRequest& request,
                                const UploadProgress& progress);

}  // namespace dm
