#include "master/client/screen.h"

#include <algorithm>

#include "common/utf8.h"

namespace dm {
namespace {

constexpr std::string_view kClearToRowEnd = "\x1b[K";
constexpr std::string_view kClearBelow = "\x1b[J";
constexpr std::string_view kClearAll = "\x1b[H\x1b[2J";

std::string move_by(std::size_t count, char direction) {
  return count == 0 ? std::string() : "\x1b[" + std::to_string(count) + direction;
}

// A text cut into rows as the terminal will cut it.
class Layout {
 public:
  explicit Layout(std::size_t columns) : columns_(columns) {}

  void add(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const Decoded point = decode(text.substr(at));
      add_point(point, text.substr(at, point.length));
      at += point.length;
    }
  }

  // Where the next character will stand, given that it is `width` columns wide.
  void mark_cursor(std::size_t width) {
    const bool wraps = column_ + width > columns_;
    cursor_row = wraps ? row() + 1 : row();
    cursor_column = wraps ? 0 : column_;
  }

  std::size_t row() const { return starts_.size() - 1; }
  bool fills_last_row() const { return column_ == columns_; }

  // The bytes of rows [from, to].
  std::string_view slice(std::size_t from, std::size_t to) const {
    const std::size_t end = to + 1 < starts_.size() ? starts_[to + 1] : bytes_.size();
    return std::string_view(bytes_).substr(starts_[from], end - starts_[from]);
  }

  std::size_t cursor_row = 0, cursor_column = 0;

 private:
  void add_point(const Decoded& point, std::string_view bytes) {
    const int width = column_width(point.point);
    if (!point.valid) return add_glyph(kReplacementUtf8, 1);
    if (width >= 0) return add_glyph(bytes, static_cast<std::size_t>(width));
    for (const char& byte : name_of(point.point)) add_glyph(std::string_view(&byte, 1), 1);
  }

  void add_glyph(std::string_view bytes, std::size_t width) {
    if (column_ + width > columns_) {
      // A wide character that does not fit leaves the last column as it was.
      if (column_ < columns_) bytes_ += kClearToRowEnd;
      starts_.push_back(bytes_.size());
      column_ = 0;
    }
    bytes_ += bytes;
    column_ += width;
  }

  // A C1 control would be obeyed by the terminal, just like a C0 one.
  static std::string name_of(char32_t control) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    if (control < 0x80) return {'^', static_cast<char>(control ^ 0x40)};
    return {'<', kHex[(control >> 4) & 15], kHex[control & 15], '>'};
  }

  std::size_t columns_;
  std::string bytes_;
  std::vector<std::size_t> starts_ = {0};  // of each row, in bytes_
  std::size_t column_ = 0;
};

std::size_t width_at(std::string_view text, std::size_t at) {
  const Decoded point = decode(text.substr(at));
  const int width = point.valid ? column_width(point.point) : 1;
  return width < 1 ? 1 : static_cast<std::size_t>(width);
}

Layout lay_out(std::size_t columns, std::string_view prompt, std::string_view text,
               std::size_t cursor) {
  Layout layout(columns);
  layout.add(prompt);
  layout.add(text.substr(0, cursor));
  // At the end of the text the cursor stands where a narrow character would.
  layout.mark_cursor(cursor < text.size() ? width_at(text, cursor) : 1);
  layout.add(text.substr(cursor));
  return layout;
}

}  // namespace

void Screen::resize(std::size_t columns, std::size_t rows) {
  columns_ = std::max<std::size_t>(columns, 2);
  rows_ = std::max<std::size_t>(rows, 1);
  if (!shown_) return;
  const Layout layout = lay_out(columns_, prompt_, text_, cursor_);
  cursor_row_ = layout.cursor_row;
  if (on_empty_row_ && cursor_ == text_.size() && !layout.fills_last_row()) ++cursor_row_;
  cursor_row_ = std::min(cursor_row_, rows_ - 1);
}

std::string Screen::draw(std::string_view prompt, std::string_view text, std::size_t cursor) {
  const Layout layout = lay_out(columns_, prompt, text, cursor);
  const std::size_t end_row = layout.row() + (layout.fills_last_row() ? 1 : 0);
  const std::size_t first = layout.cursor_row < rows_ ? 0 : layout.cursor_row - rows_ + 1;
  const std::size_t last = std::min(end_row, first + rows_ - 1);
  const bool whole = first == 0 && last == end_row;

  std::string out = to_top();
  // Clearing after the text flickers less, but would take the last character of a full row.
  if (!whole) out += kClearBelow;
  if (first <= layout.row()) out += layout.slice(first, std::min(last, layout.row()));
  if (last > layout.row()) out += "\r\n";
  if (whole) out += kClearBelow;
  const bool at_end = cursor == text.size() && last == end_row;
  if (!at_end) {
    out += move_by(last - layout.cursor_row, 'A');
    out += '\r' + move_by(layout.cursor_column, 'C');
  }

  shown_ = true;
  prompt_ = std::string(prompt);
  text_ = std::string(text);
  cursor_ = cursor;
  cursor_row_ = layout.cursor_row - first;
  on_empty_row_ = last > layout.row();
  return out;
}

std::string Screen::hide() {
  if (!shown_) return {};
  std::string out = to_top();
  out += kClearBelow;
  shown_ = false;
  cursor_row_ = 0;
  return out;
}

std::string Screen::show() {
  return draw(std::string(prompt_), std::string(text_), cursor_);
}

std::string Screen::clear() {
  shown_ = false;
  return std::string(kClearAll) + show();
}

std::string Screen::finish(std::string_view prompt, std::string_view text) {
  std::string out = draw(prompt, text, text.size());
  if (!on_empty_row_) out += "\r\n";
  shown_ = false;
  cursor_row_ = 0;
  return out;
}

std::string Screen::to_top() {
  if (!shown_) return {};
  return '\r' + move_by(cursor_row_, 'A');
}

std::string in_columns(const std::vector<std::string>& items, std::size_t columns) {
  std::size_t widest = 1;
  for (const std::string& item : items) widest = std::max(widest, text_width(item) + 2);
  const std::size_t across = std::max<std::size_t>(1, (columns + 2) / widest);
  const std::size_t down = (items.size() + across - 1) / across;
  std::string out;
  for (std::size_t row = 0; row < down; ++row) {
    for (std::size_t at = row; at < items.size(); at += down) {
      out += items[at];
      if (at + down < items.size()) out.append(widest - text_width(items[at]), ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace dm
