#include "master/client/edit_line.h"

#include <utility>

#include "common/utf8.h"

namespace dm {
namespace {

// Letters, digits and everything beyond ASCII make words, as readline's M-f sees them.
bool is_word(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= 'a' && byte <= 'z');
}

bool is_ink(std::string_view text, std::size_t at) {
  return text[at] != ' ' && text[at] != '\t';
}

using Class = bool (*)(std::string_view, std::size_t);

// Left over everything that is not `in_word`, then over everything that is.
std::size_t start_before(std::string_view text, std::size_t at, Class in_word) {
  for (const bool wanted : {false, true})
    while (at > 0) {
      const std::size_t before = previous_character(text, at);
      if (in_word(text, before) != wanted) break;
      at = before;
    }
  return at;
}

}  // namespace

void EditLine::set(std::string text, std::size_t cursor) {
  text_ = std::move(text);
  cursor_ = cursor;
  settle();
}

std::string EditLine::take() {
  cursor_ = 0;
  return std::exchange(text_, std::string());
}

bool EditLine::insert(std::string_view text) {
  if (text.empty() || text_.size() + text.size() > kMaxBytes) return false;
  text_.insert(cursor_, text);
  cursor_ += text.size();
  settle();
  return true;
}

bool EditLine::left() {
  return move(previous_character(text_, cursor_));
}

bool EditLine::right() {
  return move(next_character(text_, cursor_));
}

bool EditLine::word_left() {
  return move(word_start());
}

bool EditLine::word_right() {
  return move(word_end());
}

bool EditLine::home() {
  return move(0);
}

bool EditLine::end() {
  return move(text_.size());
}

bool EditLine::erase_left() {
  const std::size_t from = previous_character(text_, cursor_);
  const std::size_t length = cursor_ - from;
  text_.erase(from, length);
  cursor_ = from;
  return length > 0;
}

bool EditLine::erase_right() {
  const std::size_t length = next_character(text_, cursor_) - cursor_;
  text_.erase(cursor_, length);
  settle();
  return length > 0;
}

bool EditLine::transpose() {
  const std::size_t middle = cursor_ == text_.size() ? previous_character(text_, cursor_) : cursor_;
  if (middle == 0) return false;
  const std::size_t from = previous_character(text_, middle);
  const std::size_t to = next_character(text_, middle);
  const std::string first = text_.substr(from, middle - from);
  text_.replace(from, to - from, text_.substr(middle, to - middle) + first);
  cursor_ = to;
  settle();
  return true;
}

bool EditLine::kill_to_end() {
  return kill(cursor_, text_.size());
}

bool EditLine::kill_to_start() {
  return kill(0, cursor_);
}

bool EditLine::kill_word_right() {
  return kill(cursor_, word_end());
}

bool EditLine::kill_word_left() {
  return kill(word_start(), cursor_);
}

bool EditLine::kill_blank_word_left() {
  return kill(start_before(text_, cursor_, is_ink), cursor_);
}

bool EditLine::yank() {
  return insert(killed_);
}

void EditLine::next_command() {
  chained_ = std::exchange(kills_, false);
}

std::size_t EditLine::word_start() const {
  return start_before(text_, cursor_, is_word);
}

std::size_t EditLine::word_end() const {
  std::size_t at = cursor_;
  for (const bool wanted : {false, true})
    while (at < text_.size() && is_word(text_, at) == wanted) at = next_character(text_, at);
  return at;
}

bool EditLine::move(std::size_t to) {
  return std::exchange(cursor_, to) != to;
}

bool EditLine::kill(std::size_t from, std::size_t to) {
  kills_ = true;
  if (from == to) return false;
  const std::string text = text_.substr(from, to - from);
  if (!chained_) killed_.clear();
  // What stood to the left of the cursor stands before what was killed already.
  killed_ = from < cursor_ ? text + killed_ : killed_ + text;
  text_.erase(from, to - from);
  cursor_ = from;
  settle();
  return true;
}

// A change may leave the cursor before a mark that has joined the character before it.
void EditLine::settle() {
  std::size_t at = 0;
  while (at < cursor_ && at < text_.size()) at = next_character(text_, at);
  cursor_ = at;
}

}  // namespace dm
