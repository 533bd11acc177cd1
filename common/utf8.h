// common/utf8.h - code points, their width on a terminal, and steps from character to character.
// Pure: never asks the locale, never changes text.
//
// UTF-8 is RFC 3629's. Widths follow Unicode 14 (East Asian Width, UAX #11; general categories),
// as terminals apply them: each code point for itself, joined emoji too.
#pragma once

#include <cstddef>
#include <string_view>

namespace dm {

inline constexpr char32_t kReplacement = 0xFFFD;  // stands for a byte that is no UTF-8
inline constexpr std::string_view kReplacementUtf8 = "\xEF\xBF\xBD";

struct Decoded {
  char32_t point = kReplacement;
  std::size_t length = 0;  // bytes
  bool valid = false;
};

// The first code point of `text`. Where none begins there (stray or missing continuation bytes,
// overlong forms, surrogates, above U+10FFFF): {U+FFFD, 1, false}. For no text: length 0, invalid.
Decoded decode(std::string_view text);

// Columns that a code point takes: 0 for combining marks and other zero-width ones, 2 for East
// Asian wide and fullwidth ones and emoji, -1 for control characters (C0, DEL, C1), else 1.
int column_width(char32_t point);

// Columns of a whole text. Control characters count nothing, a byte that is no UTF-8 counts one.
std::size_t text_width(std::string_view text);

// Offset of the next or the previous user-perceived character: a code point (or a byte that is no
// UTF-8) and the zero-width marks that follow it. `at` is such an offset itself or text.size();
// the ends are never passed. Both directions stop at the same offsets.
std::size_t next_character(std::string_view text, std::size_t at);
std::size_t previous_character(std::string_view text, std::size_t at);

}  // namespace dm
