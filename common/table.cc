#include "common/table.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/escape.h"
#include "common/utf8.h"

namespace dm {

Table::Table(std::vector<Column> columns)
    : columns_(std::move(columns)), widths_(columns_.size(), 0) {
  std::vector<std::string> headers;
  for (const Column& column : columns_) headers.push_back(column.header);
  add_row(std::move(headers));
}

void Table::add_row(std::vector<std::string> cells) {
  DM_CHECK(cells.size() == columns_.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = escape_for_terminal(cells[i]);
    widths_[i] = std::max(widths_[i], text_width(cells[i]));
  }
  rows_.push_back(std::move(cells));
}

std::vector<std::string> Table::lines() const {
  std::vector<std::string> lines;
  for (const auto& row : rows_) lines.push_back(line(row));
  return lines;
}

// Every cell is padded and the end is trimmed, which serves an empty last cell as well.
std::string Table::line(const std::vector<std::string>& cells) const {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string padding(widths_[i] - text_width(cells[i]), ' ');
    if (i > 0) out += "  ";
    out += columns_[i].align == Align::kRight ? padding + cells[i] : cells[i] + padding;
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

}  // namespace dm
