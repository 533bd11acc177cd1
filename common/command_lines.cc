// The lines of a command.
#include "common/command_lines.h"

#include <utility>

namespace dm {

std::optional<std::string> CommandLines::take(std::string_view line) {
  if (too_long_) return std::nullopt;
  if (line.size() + 1 > most_ - text_.size()) {
    too_long_ = true;
    return std::nullopt;
  }
  for (const char c : line) step(c);
  text_ += line;
  const bool is_open = escaped_ || place_ == Place::kSingleQuotes || place_ == Place::kDoubleQuotes;
  if (!is_open) return give_up();
  text_ += '\n';
  step('\n');
  return std::nullopt;
}

std::string CommandLines::give_up() {
  place_ = Place::kBlank;
  escaped_ = false;
  return std::exchange(text_, std::string());
}

// A backslash within double quotes keeps the next byte in every case here: whether it stays itself
// makes no difference to where the quotes end.
void CommandLines::step(char c) {
  if (std::exchange(escaped_, false)) {
    if (place_ == Place::kBlank && c != '\n') place_ = Place::kWord;
    return;
  }
  switch (place_) {
    case Place::kSingleQuotes:
      if (c == '\'') place_ = Place::kWord;
      return;
    case Place::kDoubleQuotes:
      if (c == '"') place_ = Place::kWord;
      if (c == '\\') escaped_ = true;
      return;
    case Place::kComment:
      if (c == '\n') place_ = Place::kBlank;
      return;
    case Place::kBlank:
    case Place::kWord: break;
  }
  if (c == '\\') {
    escaped_ = true;
  } else if (c == '#' && place_ == Place::kBlank) {
    place_ = Place::kComment;
  } else if (c == ' ' || c == '\t' || c == '\n') {
    place_ = Place::kBlank;
  } else {
    place_ = c == '\'' ? Place::kSingleQuotes : c == '"' ? Place::kDoubleQuotes : Place::kWord;
  }
}

}  // namespace dm
