// master/client/screen.h - the bytes that bring a prompt and the line being typed onto a terminal,
// and take them off again. Pure: writes nothing itself; each call's answer is one write.
//
// The terminal wraps by itself at its right edge and keeps the cursor there until the next
// character (xterm's and every later one's way). The sequences used, of ECMA-48: CUU (ESC[nA), CUF
// (ESC[nC), EL (ESC[K), ED (ESC[J), CUP and ED 2 to clear the screen; nothing asks the terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace dm {

class Screen {
 public:
  // Tells the size of the terminal. Where a line stands on it, this also works out where the
  // terminal has left it, given that long lines were wrapped anew; draw() or show() must follow.
  // Fewer than 2 columns or 1 row are taken as that.
  void resize(std::size_t columns, std::size_t rows);

  // Shows the line with the cursor at an offset of `text`, in place of the one that stands there.
  // Control characters appear as ^X. Of a line with more rows than the terminal, the rows around
  // the cursor are shown.
  std::string draw(std::string_view prompt, std::string_view text, std::size_t cursor);

  // Takes the line off, so that output can be printed where it stood: from column 0 on, and to its
  // own last newline. Nothing if none is shown.
  std::string hide();
  // Shows again what was drawn last.
  std::string show();
  // Clears the whole terminal and shows the line at its top.
  std::string clear();

  // Draws the line a last time, and leaves the cursor in column 0 of the row below.
  std::string finish(std::string_view prompt, std::string_view text);

  bool shown() const { return shown_; }
  std::size_t columns() const { return columns_; }

 private:
  std::string to_top();

  std::size_t columns_ = 80;
  std::size_t rows_ = 24;
  bool shown_ = false;
  std::string prompt_, text_;  // as drawn last
  std::size_t cursor_ = 0;
  std::size_t cursor_row_ = 0;  // of the rows that are shown
  bool on_empty_row_ = false;   // the cursor was sent below a last row that the text fills
};

// `items` in columns for a terminal of `columns`, sorted downwards as given, each row ended by
// "\n". An item that is wider than the terminal has a row of its own.
std::string in_columns(const std::vector<std::string>& items, std::size_t columns);

}  // namespace dm
