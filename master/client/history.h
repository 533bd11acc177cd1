// master/client/history.h - the lines that were entered, oldest first, and the text of the file
// that keeps them: one line each, nothing else. Pure: never opens a file.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace dm {

class History {
 public:
  static constexpr std::size_t kMaxLines = 1000;  // the oldest goes first
  static constexpr std::size_t kMaxLineBytes = 16 * 1024;

  // Adds a line. False, and nothing added, for a blank line, one that begins with a space (what
  // is not to be kept), one that holds a newline or a NUL, one of more than kMaxLineBytes, and
  // one equal to the newest.
  bool add(std::string_view line);

  std::size_t size() const { return lines_.size(); }
  bool empty() const { return lines_.empty(); }
  // The newest is 1, the oldest size(). REQUIRES 1 <= back <= size().
  const std::string& at(std::size_t back) const { return lines_[lines_.size() - back]; }

  // Adds every line of a file's content. A last line without a newline is half written: it is
  // left out. Returns how many lines the content has, kept or not.
  std::size_t parse(std::string_view content);
  // The content of a file that holds what is kept.
  std::string print() const;

 private:
  std::deque<std::string> lines_;
};

}  // namespace dm
