// master/client/io/output.h - where the output of one command goes: standard output, or the file
// of `-o`; notes and the progress bar go to standard error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "master/client/io/saved_file.h"

namespace dm {

class Output {
 public:
  enum class Ending {
    kWhole,
    kFailed,       // an error, or the connection was cut
    kInterrupted,  // by the user; who follows a log has what he wanted
  };

  // Takes `-o FILE` of `logs` out of the words: the file is ours to write. Errors: the file
  // cannot be written. It is not touched here.
  static Result<Output> open(std::vector<std::string>& words, std::int64_t now_ms);

  void bytes(std::string_view bytes);
  void note(const std::string& text);
  void progress(const std::string& what, std::int64_t done, std::int64_t total,
                std::int64_t now_ms);
  // Ends the bar's row. A whole output becomes FILE; of one that failed FILE stays as it was, and a
  // note names the file of what has come. Errors: FILE was not written.
  Status close(Ending ending);

 private:
  void clear_bar();

  void keep_part();

  std::optional<SavedFile> saved_;  // of `-o`
  bool follows_ = false;
  std::optional<Error> error_;
  std::int64_t written_ = 0;
  std::int64_t started_ms_ = 0;
  std::string what_;  // of the bar
  std::int64_t what_started_ms_ = 0;
  bool bar_shown_ = false;
  bool terminal_ = false;
};

}  // namespace dm
