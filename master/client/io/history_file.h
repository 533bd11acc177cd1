// master/client/io/history_file.h - the file in which the history outlives the shell. Several
// shells may use it at once; a failure loses no more than history, and stops nothing.
#pragma once

#include <string>
#include <string_view>

#include "common/io/fd.h"
#include "common/result.h"
#include "master/client/history.h"

namespace dm {

class HistoryFile {
 public:
  // `path` is in a directory that exists; the file need not.
  explicit HistoryFile(std::string path) : path_(std::move(path)) {}

  // Adds the file's lines to `history`; of a file of more than 4 MiB its end. A file that has
  // grown to more than twice History::kMaxLines lines is written anew with what is kept (temporary
  // file and rename). A missing file is an empty one. Errors: what could not be read or written.
  Status load(History& history);

  // Adds a line by one write, after those of the other shells. Makes the file, mode 0600, where
  // there is none. Errors: what could not be opened or written.
  Status append(std::string_view line);

 private:
  // True if the file is to be compacted.
  Result<bool> read(int fd, History& history) const;
  Status compact(int fd);
  Result<Fd> open_for_append();

  std::string path_;
};

}  // namespace dm
