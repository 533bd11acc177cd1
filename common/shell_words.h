// common/shell_words.h - splits a line into words by the shell's quoting rules (POSIX, Shell
// Command Language, 2.2 Quoting and 2.3 Token Recognition). Pure: never expands anything, so `$`,
// `*`, `~`, `;` and their like are ordinary characters.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace dm {

// The words of `line`, in order; an empty vector for blanks and comments alone.
//  - Space, tab and newline end a word.
//  - '...' keeps every byte. "..." keeps every byte but a backslash before $ ` " \ and newline.
//    Outside quotes a backslash keeps the next byte. Backslash-newline vanishes in both of these.
//  - `#` at the start of a word begins a comment, which ends before the next newline.
//  - Quotes with nothing in them make an empty word.
// Errors, all bad-arg: "unfinished single quote", "unfinished double quote", "backslash at the end
// of the line", "NUL byte in the line".
Result<std::vector<std::string>> split_words(std::string_view line);

// `word` as it must be typed: bare where that is safe here and in a real shell, else in single
// quotes. split_words() of the result is exactly {word}, unless it holds a NUL, which no line can.
std::string quote_word(std::string_view word);

}  // namespace dm
