// common/help_rows.h - the text of a help page: what can be typed on the left, what it does beside
// it, in 80 columns. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dm {

inline constexpr std::size_t kHelpWidth = 80;

// `text` in lines of at most kHelpWidth columns, each behind `indent` spaces and with its newline.
// A break stands between words; a longer word has a line of its own. Empty for no words.
std::string wrap_text(std::string_view text, std::size_t indent);

// "  LEFT   TEXT": the text begins in column `column`, below the left side if that is too long.
std::string help_row(std::string_view left, std::string_view text, std::size_t column);

}  // namespace dm
