// common/escape.h - text that came from elsewhere, made safe to show on a terminal. Pure: never
// decides what is shown, only how.
#pragma once

#include <string>
#include <string_view>

namespace dm {

// True for a code point that could drive a terminal or deceive its reader: control characters (C0,
// DEL, C1) and the bidirectional controls of UAX #9 (U+061C, U+200E-200F, U+202A-202E,
// U+2066-2069), which show text in another order than it has. All are below U+10000.
bool is_unsafe_to_show(char32_t point);

// `text` with unsafe code points spelled out: ASCII ones and bytes that are no UTF-8 as \xHH,
// others as \u{HHHH} (upper-case digits). Everything else stands as it is, a backslash too, so the
// result is for eyes, not for reading back. The result is valid UTF-8 of at most four times the
// size, and escaping it again changes nothing.
std::string escape_for_terminal(std::string_view text);

// What an error message quotes of a text that may be long: escaped as above, and cut to about 60
// bytes with "..." at the end, never inside a character.
std::string excerpt(std::string_view text);

}  // namespace dm
