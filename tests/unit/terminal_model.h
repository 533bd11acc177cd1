// tests/unit/terminal_model.h - as much of a terminal as master/client/screen.h uses, xterm's late
// wrap included. Any other sequence than those that screen.h names makes it `broken`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/utf8.h"

namespace dm::test {

class TerminalModel {
 public:
  TerminalModel(std::size_t columns, std::size_t rows) : columns_(columns), height_(rows) {
    clear();
  }

  void write(std::string_view bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
      if (bytes[at] == '\x1b') {
        at = sequence(bytes, at);
        continue;
      }
      const Decoded point = decode(bytes.substr(at));
      put(point, bytes.substr(at, point.length));
      at += point.length;
    }
  }

  // Wraps anew as terminals do: rows that were wrapped by themselves are joined first.
  void reflow(std::size_t columns) {
    std::vector<Row> old;
    old.swap(grid_);
    columns_ = columns;
    Place cursor;
    bool joined = false;
    std::size_t used = 0;  // of the row that is being filled
    for (std::size_t row = 0; row < old.size(); ++row) {
      if (!joined) {
        grid_.emplace_back(columns_);
        used = 0;
      }
      const std::size_t ink = std::max(old[row].ink(), row == row_ ? column_ : 0);
      for (std::size_t column = 0; column < ink; ++column) {
        const Cell& cell = old[row].cells[column];
        if (cell.text.empty()) continue;  // the right half of a wide one
        if (cell.text == kFiller) continue;
        if (used + cell.width > columns_) {
          grid_.back().wrapped = true;
          grid_.emplace_back(columns_);
          used = 0;
        }
        if (row == row_ && column == column_) cursor = {grid_.size() - 1, used};
        grid_.back().set(used, cell);
        used += cell.width;
      }
      if (row == row_ && column_ >= ink) {
        const bool full = used == columns_;
        if (full) grid_.emplace_back(columns_);
        cursor = {grid_.size() - 1, full ? 0 : used};
        if (full) used = 0;
      }
      joined = old[row].wrapped;
    }
    row_ = cursor.row;
    column_ = cursor.column;
    height_ = std::max(height_, grid_.size());
    grid_.resize(height_, Row(columns_));
  }

  // The rows, without blanks at their ends, and without empty rows at the end.
  std::vector<std::string> rows() const {
    std::vector<std::string> all;
    for (const Row& row : grid_) {
      std::string text;
      for (const Cell& cell : row.cells) text += cell.text == kFiller ? " " : cell.text;
      text.erase(text.find_last_not_of(' ') + 1);
      all.push_back(text);
    }
    while (!all.empty() && all.back().empty()) all.pop_back();
    return all;
  }

  std::size_t row() const { return row_; }
  std::size_t column() const { return column_; }
  bool late() const { return late_; }
  bool broken = false;

 private:
  static constexpr std::string_view kFiller = "\x01";  // left free by a wide character

  struct Cell {
    std::string text = " ";
    std::size_t width = 1;
  };
  struct Row {
    explicit Row(std::size_t columns) : cells(columns) {}
    void set(std::size_t at, const Cell& cell) {
      cells[at] = cell;
      if (cell.width == 2) cells[at + 1] = {"", 0};
    }
    std::size_t ink() const {
      if (wrapped) return cells.size();
      std::size_t end = cells.size();
      while (end > 0 && cells[end - 1].text == " ") --end;
      return end;
    }
    std::vector<Cell> cells;
    bool wrapped = false;
  };
  struct Place {
    std::size_t row = 0, column = 0;
  };

  void clear() { grid_.assign(height_, Row(columns_)); }

  void put(const Decoded& point, std::string_view bytes) {
    if (bytes == "\r") return move(row_, 0);
    if (bytes == "\n") return down();
    const int width = column_width(point.point);
    if (width < 0) {
      broken = true;
    } else if (width == 0) {
      join(bytes);
    } else {
      place(bytes, static_cast<std::size_t>(width));
    }
  }

  void join(std::string_view bytes) {
    if (column_ == 0) return;
    std::size_t at = late_ ? column_ : column_ - 1;
    while (at > 0 && grid_[row_].cells[at].text.empty()) --at;
    grid_[row_].cells[at].text += bytes;
  }

  void place(std::string_view bytes, std::size_t width) {
    if (late_ || column_ + width > columns_) {
      // A terminal leaves what stood in a column that a wide character does not fill.
      if (!late_ && grid_[row_].cells[column_].text == " ")
        grid_[row_].cells[column_].text = kFiller;
      grid_[row_].wrapped = true;
      down();
      move(row_, 0);
    }
    grid_[row_].set(column_, {std::string(bytes), width});
    column_ += width;
    if (column_ == columns_) {
      late_ = true;
      --column_;
    }
  }

  void down() {
    late_ = false;
    if (++row_ < height_) return;
    --row_;
    grid_.erase(grid_.begin());
    grid_.emplace_back(columns_);
  }

  void move(std::size_t row, std::size_t column) {
    late_ = false;
    row_ = row;
    column_ = std::min(column, columns_ - 1);
  }

  std::size_t sequence(std::string_view bytes, std::size_t at) {
    std::size_t number = 0;
    if (bytes.substr(at, 2) != "\x1b[") broken = true;
    for (at += 2; at < bytes.size() && bytes[at] >= '0' && bytes[at] <= '9'; ++at)
      number = number * 10 + static_cast<std::size_t>(bytes[at] - '0');
    const char final = at < bytes.size() ? bytes[at] : '?';
    obey(final, number);
    return at + 1;
  }

  void obey(char final, std::size_t number) {
    const std::size_t count = std::max<std::size_t>(number, 1);
    switch (final) {
      case 'A': return move(row_ - std::min(row_, count), column_);
      case 'C': return move(row_, column_ + count);
      case 'H': return move(0, 0);
      case 'K': return erase_row(row_, column_);
      case 'J':
        if (number == 2) return clear();
        erase_row(row_, column_);
        for (std::size_t row = row_ + 1; row < height_; ++row) erase_row(row, 0);
        return;
      default: broken = true;
    }
  }

  // As xterm does it, a late wrap does not save the last character.
  void erase_row(std::size_t row, std::size_t from) {
    for (std::size_t column = from; column < columns_; ++column) grid_[row].cells[column] = {};
    grid_[row].wrapped = false;
  }

  std::size_t columns_, height_;
  std::vector<Row> grid_;
  std::size_t row_ = 0, column_ = 0;
  bool late_ = false;
};

}  // namespace dm::test
