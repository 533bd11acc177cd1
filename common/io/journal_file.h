// common/io/journal_file.h - a journal on disk: read at start, appended to, made durable by a
// helper thread, given up for a shorter one. Decides nothing about what is recorded.
//
// The numbers of its tail go on for ever, also when it is replaced (common/journal.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/io/fd.h"
#include "common/io/jobs.h"
#include "common/journal.h"

namespace dm {

class JournalFile {
 public:
  // What DIR/journal is, by its first line alone; nothing is changed. Blank: there is none, or none
  // but for a beginning of its first line. Errors: bad-arg if it is another kind's, a newer
  // format's, or no journal at all; system_error's.
  enum class Beginning { kBlank, kWhole };
  static Result<Beginning> look(const std::string& directory, const std::string& kind);

  // Opens or begins DIR/journal and hands its records to `take`. A torn end is cut; `notice` then
  // says so. One of the oldest format that is still read is rewritten. Errors, with the byte
  // offset, and nothing is overwritten: internal if it is damaged; bad-arg if it is another kind's,
  // a newer format's or no journal at all; system_error's.
  static Result<JournalFile> open(const std::string& directory, const std::string& kind,
                                  const TakeRecord& take, std::string* notice);

  // Adds a record to the batch that the next write() writes.
  void add(const Line& record);
  bool has_batch() const { return !batch_.empty(); }
  // Writes the batch in one piece. Errors: never try again on this file: the kernel may have
  // dropped what it held (fsync(2)).
  Status write();
  // From here on so many bytes of the disk are the journal's before they are needed, as far as
  // there is room (fallocate(2)): on a full disk it goes on for that long.
  void keep_reserve(std::int64_t bytes);
  int fd() const { return fd_.get(); }
  // For a helper thread: makes everything that was written to fd() durable. Errors: as write().
  static Status sync(int fd);

  // Goes on with a file that has been given the journal's name, and holds everything that was
  // written. REQUIRES has_batch() == false.
  void adopt(Fd fd, std::int64_t size, std::int64_t tail_bytes);

  const std::string& path() const { return path_; }
  const std::string& kind() const { return kind_; }
  std::int64_t next_seq() const { return next_seq_; }  // of the record that is added next
  std::int64_t size() const { return size_; }          // of what was written
  std::int64_t tail_bytes() const { return tail_bytes_; }
  // Where the next record that is added will stand.
  std::int64_t end() const { return size_ + static_cast<std::int64_t>(batch_.size()); }

 private:
  Status begin();
  Status reopen(std::string_view content, const JournalScan& scan);
  void top_up();

  std::string path_, kind_;
  Fd fd_;
  std::string batch_;
  std::int64_t next_seq_ = 1;
  std::int64_t size_ = 0, tail_bytes_ = 0;
  std::int64_t reserve_ = 0, reserved_to_ = 0;  // bytes; and up to where it is there
};

}  // namespace dm
