// Help pages.
#include "common/help_rows.h"

#include <algorithm>

#include "common/utf8.h"

namespace dm {

std::string wrap_text(std::string_view text, std::size_t indent) {
  std::string out, line;
  const auto flush = [&] {
    if (!line.empty()) out.append(indent, ' ').append(line).append("\n");
    line.clear();
  };
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, space);
    text.remove_prefix(std::min(space + 1, text.size()));
    if (word.empty()) continue;
    if (indent + text_width(line) + 1 + text_width(word) > kHelpWidth) flush();
    if (!line.empty()) line += ' ';
    line += word;
  }
  flush();
  return out;
}

std::string help_row(std::string_view left, std::string_view text, std::size_t column) {
  std::string row = "  " + std::string(left);
  std::string wrapped = wrap_text(text, column);
  const std::size_t width = text_width(row);
  if (wrapped.empty() || width + 2 > column) return row + "\n" + wrapped;
  return row + wrapped.substr(width);
}

}  // namespace dm
