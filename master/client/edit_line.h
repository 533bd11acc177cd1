// master/client/edit_line.h - the text being typed, its cursor, and the text last killed. Pure:
// knows no key and no terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dm {

// Positions are byte offsets and always stand between user-perceived characters (common/utf8.h).
// Every call that moves or changes answers whether anything moved or changed.
class EditLine {
 public:
  // Longer than any sensible command, short enough for one line of the control protocol with
  // every byte of it escaped (RUN, common/codec.h).
  static constexpr std::size_t kMaxBytes = 16 * 1024;

  const std::string& text() const { return text_; }
  std::size_t cursor() const { return cursor_; }

  // Replaces the text. The cursor moves up to the next place where it may stand.
  void set(std::string text, std::size_t cursor);
  // Leaves the line empty and returns what it held. The killed text stays.
  std::string take();

  // Before the cursor. False, and nothing inserted, if the line would be longer than kMaxBytes.
  bool insert(std::string_view text);

  bool left();
  bool right();
  bool word_left();
  bool word_right();
  bool home();
  bool end();

  bool erase_left();
  bool erase_right();
  // Swaps the characters on both sides of the cursor, at the end the last two.
  bool transpose();

  // Kills join their text as long as no next_command() without a kill lies between them.
  bool kill_to_end();
  bool kill_to_start();
  bool kill_word_right();
  bool kill_word_left();
  bool kill_blank_word_left();  // words as blanks divide them
  // Inserts what was killed.
  bool yank();

  // To be called before each command of the user.
  void next_command();

 private:
  std::size_t word_start() const;
  std::size_t word_end() const;
  bool move(std::size_t to);
  bool kill(std::size_t from, std::size_t to);
  void settle();

  std::string text_;
  std::size_t cursor_ = 0;
  std::string killed_;
  bool kills_ = false;    // this command has killed
  bool chained_ = false;  // the one before it had
};

}  // namespace dm
