// common/io/journal_rewrite.h - a shorter journal, written beside the old one while that goes on:
// a snapshot, and behind it, copied byte by byte, what the old one got since. For helper threads,
// one call at a time. Decides nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/io/fd.h"
#include "common/io/journal_file.h"
#include "common/journal.h"

namespace dm {

class JournalRewrite {
 public:
  // Begins at this moment: whatever `journal` is given from now on belongs to the tail.
  explicit JournalRewrite(const JournalFile& journal);
  ~JournalRewrite() { clear(); }
  JournalRewrite(const JournalRewrite&) = delete;
  JournalRewrite& operator=(const JournalRewrite&) = delete;

  // Each returns system_error's; the old journal is as it was then, and this can only be destroyed.
  Status open();
  Status add(const std::vector<Line>& snapshot);  // the next records of it
  Status end_snapshot();
  // Copies what stands in the old one before byte `until` and was not copied yet.
  Status copy_tail(std::int64_t until);
  Status sync();

  // Gives it the journal's name, durably. REQUIRES that everything was copied and synced. An error
  // with has_the_name() means that nobody knows which of the two a power failure would leave.
  Status take_the_name();
  bool has_the_name() const { return has_the_name_; }
  // Lets go of the old journal, and removes the new one if it did not get the name. That a file
  // loses its last name and descriptor may take as long as writing it did.
  void clear();

  // The old journal, open for reading, and where its own tail begins.
  int old_journal() const { return old_.get(); }
  std::int64_t old_tail_from() const { return old_tail_from_; }
  // Where the new tail begins in it, and the number it begins with.
  std::int64_t tail_from() const { return tail_from_; }
  std::int64_t first_of_tail() const { return next_seq_; }

  // For JournalFile::adopt.
  Fd release() { return std::move(fd_); }
  std::int64_t size() const { return size_; }
  std::int64_t tail_bytes() const { return copied_until_ - tail_from_; }

 private:
  Status write(std::string_view bytes);

  std::string path_, temp_, kind_;
  std::int64_t next_seq_ = 1, old_tail_from_ = 0, tail_from_ = 0;
  Fd old_, fd_;
  std::int64_t snapshot_records_ = 0, copied_until_ = 0, size_ = 0;
  bool has_the_name_ = false;
};

// Replaces a small journal by a snapshot alone, all of it at once. Errors: system_error's; the old
// one goes on as it is, unless `is_lost`: then nothing may be promised any more, for nobody knows
// which of the two a power failure would leave. REQUIRES has_batch() == false.
Status replace_at_once(JournalFile& journal, const std::vector<Line>& records, bool* is_lost);

}  // namespace dm
