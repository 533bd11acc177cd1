// worker/io/log_tail.h - reads the end of a log, and hears when it grows. Decides nothing.
#pragma once

#include <cstdint>

#include "common/io/fd.h"
#include "common/result.h"

namespace dm::worker {

// Where the last `lines` lines of the file's first `size` bytes begin. A last line without a
// newline counts as a line. What stands before `floor` is not looked at: with fewer lines behind
// it, that is the answer; so is what stands before a hole of some size, which an app may have made
// as wide as it likes. Reads backwards, in blocks, and moves the descriptor's offset. Errors:
// system_error's.
Result<std::int64_t> start_of_last_lines(int fd, std::int64_t size, std::int64_t lines,
                                         std::int64_t floor = 0);

// Tells when a file has been written to: inotify(7) where there is one, else a look now and then.
class GrowthWatch {
 public:
  // The file is borrowed.
  explicit GrowthWatch(int file);
  // Readable after the file was written to; -1 where nobody tells.
  int fd() const { return fd_.get(); }
  // How long to wait at most before looking at the file, for poll(2).
  int patience_ms() const { return fd_.valid() ? -1 : 200; }
  // Forgets what fd() was readable for.
  void clear();

 private:
  Fd fd_;
};

}  // namespace dm::worker
