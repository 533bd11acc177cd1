// common/command_lines.h - puts the lines of a script together into commands: a command ends with
// the line in which its quotes end (POSIX, Shell Command Language, 2.2 Quoting). Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace dm {

class CommandLines {
 public:
  // Commands of more than `most` bytes, the newlines within included, are too long.
  explicit CommandLines(std::size_t most) : most_(most) {}

  // Takes one line without its newline. Returns the command that it ends; nullopt while a quote is
  // open or a backslash stands before the newline, so that the next line belongs to it. For
  // split_words(), which may still refuse it. Costs the size of the line alone.
  std::optional<std::string> take(std::string_view line);

  // The command that has begun is too long. Nothing is returned from here on: its tail must never
  // be read as a command.
  bool too_long() const { return too_long_; }

  // True while a command has begun and not ended.
  bool waiting() const { return !text_.empty(); }
  // The part of it that was taken, and forgets it. For the end of a script: split_words() of it is
  // an error that says which quote is open.
  std::string give_up();

 private:
  enum class Place { kBlank, kWord, kSingleQuotes, kDoubleQuotes, kComment };

  void step(char c);

  std::size_t most_;
  std::string text_;
  Place place_ = Place::kBlank;
  bool escaped_ = false;  // the last byte was a backslash that keeps the next one
  bool too_long_ = false;
};

}  // namespace dm
