// master/io/disk_room.h - how much of the disk files may take: the rest is the journal's. For any
// thread; asks the file system each time, decides nothing else.
#pragma once

#include <cstdint>
#include <string>

#include "common/result.h"

namespace dm::master {

class DiskRoom {
 public:
  DiskRoom(std::string directory, int floor_percent)
      : directory_(std::move(directory)), floor_percent_(floor_percent) {}

  // Errors: no-space, with the figures, if so many bytes more leave less free than the floor. A
  // file system that does not say how full it is has room.
  Status take(std::int64_t bytes) const;

  // What the journal keeps for itself: 1 % of the disk, 1 to 64 MiB.
  std::int64_t reserve() const;

 private:
  std::string directory_;
  int floor_percent_;
};

}  // namespace dm::master
