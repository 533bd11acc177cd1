#include "common/escape.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "common/utf8.h"

namespace dm {
namespace {

constexpr std::size_t kExcerpt = 60;  // bytes

constexpr struct {
  char32_t first;
  char32_t last;
} kUnsafe[] = {
    {0x00, 0x1F},     {0x7F, 0x9F},     {0x061C, 0x061C},
    {0x200E, 0x200F}, {0x202A, 0x202E}, {0x2066, 0x2069},
};

void append_hex(std::string& out, char32_t value, int digits) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += kHex[(value >> shift) & 15];
}

void append_byte(std::string& out, unsigned char byte) {
  out += "\\x";
  append_hex(out, byte, 2);
}

void append_point(std::string& out, char32_t point) {
  out += "\\u{";
  append_hex(out, point, 4);
  out += '}';
}

// Moves the first character of `text`, which is not empty, to `out`.
void append_next(std::string& out, std::string_view& text) {
  const Decoded decoded = decode(text);
  if (decoded.valid && !is_unsafe_to_show(decoded.point)) {
    out += text.substr(0, decoded.length);
  } else if (decoded.length == 1) {
    append_byte(out, static_cast<unsigned char>(text[0]));
  } else {
    append_point(out, decoded.point);
  }
  text.remove_prefix(decoded.length);
}

}  // namespace

bool is_unsafe_to_show(char32_t point) {
  return std::any_of(std::begin(kUnsafe), std::end(kUnsafe), [point](const auto& range) {
    return range.first <= point && point <= range.last;
  });
}

std::string escape_for_terminal(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) append_next(out, text);
  return out;
}

std::string excerpt(std::string_view text) {
  std::string out;
  while (!text.empty() && out.size() < kExcerpt) append_next(out, text);
  return text.empty() ? out : out + "...";
}

}  // namespace dm
