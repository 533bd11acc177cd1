// master/client/io/saved_file.h - the file that `-o FILE` writes. Until everything is there, the
// bytes stand in a temporary file beside it; FILE is untouched before. Decides nothing about what
// is written.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "common/io/fd.h"
#include "common/result.h"

namespace dm {

// A regular file is replaced by rename when all is there, with its mode and owner kept; where its
// owner cannot be kept, its content is replaced. A link is followed. What is no regular file (FIFO,
// device, socket file) is written through as the bytes come.
class SavedFile {
 public:
  explicit SavedFile(std::string path) : path_(std::move(path)) {}
  ~SavedFile();
  SavedFile(SavedFile&& other) noexcept;
  SavedFile& operator=(SavedFile&&) = delete;

  // Whether FILE could be written, as far as that can be told without touching it. Errors: denied,
  // not-found for its directory, bad-arg for a directory.
  Status check() const;

  // The first bytes open the file. Errors: it cannot be opened or written; later bytes are dropped.
  Status write(std::string_view bytes);

  // All is there: FILE has exactly these bytes, an empty file for none.
  Status commit();

  // Not all is there: FILE stays as it was. What has come is kept under a name of its own.
  // Returns this name; empty if nothing has come, or if the bytes went through.
  std::string keep_apart();

  // Gives up, and leaves nothing behind.
  void discard();

  std::int64_t written() const { return written_; }
  const std::string& path() const { return path_; }

 private:
  Status open();
  Status open_through();
  Status copy_into_place();

  std::string path_;    // as it was given
  std::string target_;  // the regular file behind it
  std::string part_;    // the temporary file; empty: none, or written through
  Fd fd_;
  bool replaces_ = false;      // target_ exists, and has
  struct stat replaced_ = {};  // this mode and owner
  bool in_place_ = false;      // its owner cannot be given to a new file
  std::int64_t written_ = 0;
};

}  // namespace dm
