// common/io/journal_file.h - a journal on disk: read at start, appended to, made durable by a
// helper thread, replaced by a shorter one. Decides nothing about what is recorded.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/io/fd.h"
#include "common/io/jobs.h"
#include "common/journal.h"

namespace dm {

class JournalFile {
 public:
  // Opens or begins DIR/journal and hands its records to `take`. A torn end is cut; `notice` then
  // says so. Errors: whatever the file is that it should not be, with the byte offset; nothing is
  // overwritten.
  static Result<JournalFile> open(const std::string& directory, const std::string& kind,
                                  const std::function<Status(const Line&)>& take,
                                  std::string* notice);

  // Adds a record to the batch that the next write() writes.
  void add(const Line& record);
  bool has_batch() const { return !batch_.empty(); }
  // Writes the batch in one piece. Errors: never try again on this file: the kernel may have
  // dropped what it held (fsync(2)).
  Status write();
  // For a helper thread: makes everything written durable.
  int fd() const { return fd_.get(); }

  // Replaces the journal by one that holds `records` alone: temp, fsync, rename, fsync.
  Status replace(const std::vector<Line>& records);
  std::int64_t size() const { return size_; }

 private:
  std::string directory_, kind_;
  Fd fd_;
  std::string batch_;
  std::int64_t next_seq_ = 0;
  std::int64_t size_ = 0;
};

}  // namespace dm
