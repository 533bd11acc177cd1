#include "common/io/sparse.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/io/system.h"

namespace dm {
namespace {

constexpr std::int64_t kBlock = 4096;  // a hole is made of whole ones

// The bytes up to the next boundary of a block, or all.
std::size_t to_boundary(std::int64_t at, std::size_t size) {
  return std::min(static_cast<std::size_t>(kBlock - at % kBlock), size);
}

bool is_hole(std::string_view block) {
  return block.size() == kBlock && block.find_first_not_of('\0') == std::string_view::npos;
}

Status write_data(int fd, std::string_view bytes, std::int64_t at) {
  while (!bytes.empty()) {
    const ssize_t sent = retry([&] { return ::pwrite(fd, bytes.data(), bytes.size(), at); });
    if (sent < 0) return system_error("write", "");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
    at += sent;
  }
  return {};
}

// Extends the file over a hole at its end.
Status reach(int fd, std::int64_t end) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return system_error("write", "");
  if (info.st_size < end && ::ftruncate(fd, end) != 0) return system_error("write", "");
  return {};
}

}  // namespace

Status write_sparse(int fd, std::string_view bytes, std::int64_t at) {
  const std::int64_t end = at + static_cast<std::int64_t>(bytes.size());
  std::size_t data = 0;  // bytes before `seen` that are to be written
  std::size_t seen = 0;
  bool ends_in_hole = false;
  while (seen < bytes.size()) {
    const std::int64_t here = at + static_cast<std::int64_t>(seen);
    const std::size_t length = to_boundary(here, bytes.size() - seen);
    ends_in_hole = is_hole(bytes.substr(seen, length));
    if (ends_in_hole) {
      const std::int64_t from = here - static_cast<std::int64_t>(data);
      if (auto done = write_data(fd, bytes.substr(seen - data, data), from); !done) return done;
    }
    data = ends_in_hole ? 0 : data + length;
    seen += length;
  }
  const std::int64_t from = end - static_cast<std::int64_t>(data);
  if (auto done = write_data(fd, bytes.substr(bytes.size() - data), from); !done) return done;
  return ends_in_hole ? reach(fd, end) : Status();
}

}  // namespace dm
