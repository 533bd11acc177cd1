// common/table.h - tables for people: a header, a line per row, columns that stand below each
// other. Pure: never asks how wide the terminal is, never cuts a cell.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace dm {

enum class Align { kLeft, kRight };

struct Column {
  std::string header;  // in UPPER CASE, by custom
  Align align = Align::kLeft;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns);

  // Cells may hold any bytes: they are shown by escape_for_terminal().
  // REQUIRES as many cells as columns.
  void add_row(std::vector<std::string> cells);

  // The header and the rows, without newlines and without trailing spaces. Each column is as wide
  // as its widest cell (text_width); two spaces stand between columns. A left-aligned last column
  // is not padded, so its cells may be long without making other lines longer.
  std::vector<std::string> lines() const;

 private:
  std::string line(const std::vector<std::string>& cells) const;

  std::vector<Column> columns_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> rows_;  // escaped; the header first
};

}  // namespace dm
