// master/client/io/output.h - where the output of one command goes: standard output, or the file
// of `-o`; notes and the progress bar go to standard error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/io/fd.h"
#include "common/result.h"

namespace dm {

class Output {
 public:
  // Takes `-o FILE` of `logs` out of the words: the file is ours to write. Errors: the file
  // cannot be made.
  static Result<Output> open(std::vector<std::string>& words, std::int64_t now_ms);

  void bytes(std::string_view bytes);
  void note(const std::string& text);
  void progress(const std::string& what, std::int64_t done, std::int64_t total,
                std::int64_t now_ms);
  // Ends the bar's row; gives the file its name. Errors: it was not written whole.
  Status close();

 private:
  void clear_bar();

  Fd file_;
  std::string path_;  // of `-o`
  std::optional<Error> error_;
  std::int64_t written_ = 0;
  std::int64_t started_ms_ = 0;
  std::string what_;  // of the bar
  std::int64_t what_started_ms_ = 0;
  bool bar_shown_ = false;
  bool terminal_ = false;
};

}  // namespace dm
