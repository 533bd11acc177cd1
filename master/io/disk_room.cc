#include "master/io/disk_room.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <optional>

#include "common/units.h"

namespace dm::master {
namespace {

constexpr std::int64_t kMiB = 1024 * 1024;

struct Disk {
  std::int64_t total = 0, free = 0;
};

std::optional<Disk> look(const std::string& directory) {
  struct statvfs info {};
  if (::statvfs(directory.c_str(), &info) != 0) return std::nullopt;
  const auto block = static_cast<std::int64_t>(info.f_frsize);
  return Disk{static_cast<std::int64_t>(info.f_blocks) * block,
              static_cast<std::int64_t>(info.f_bavail) * block};
}

}  // namespace

Status DiskRoom::take(std::int64_t bytes) const {
  const auto disk = look(directory_);
  if (!disk || disk->free - bytes >= disk->total / 100 * floor_percent_) return {};
  return fail(Code::kNoSpace, "the master's disk is nearly full: " + print_bytes(disk->free) +
                                  " of " + print_bytes(disk->total) + " are free, " +
                                  print_bytes(bytes) + " are needed, and it takes no files below " +
                                  std::to_string(floor_percent_) + " %");
}

std::int64_t DiskRoom::reserve() const {
  const auto disk = look(directory_);
  return disk ? std::clamp(disk->total / 100, kMiB, 64 * kMiB) : kMiB;
}

}  // namespace dm::master
