#include "common/escape.h"

#include <initializer_list>

#include "common/utf8.h"
#include "tests/unit/check.h"

using namespace dm;

using Points = std::initializer_list<char32_t>;

TEST(escape_leaves_plain_text_alone) {
  for (std::string_view plain : {"", "hello world", "a\\b'c\"d", "caf\xC3\xA9", "\xE6\x97\xA5",
                                 "\xF0\x9F\x98\x80", "\xC2\xA0", "e\xCC\x81", "\xE2\x80\x8D"})
    CHECK_EQ(escape_for_terminal(plain), std::string(plain));
}

TEST(escape_spells_out_what_drives_a_terminal) {
  CHECK_EQ(escape_for_terminal("\x1B[2J"), "\\x1B[2J");
  CHECK_EQ(escape_for_terminal("a\r\nb\tc"), "a\\x0D\\x0Ab\\x09c");
  CHECK_EQ(escape_for_terminal(std::string_view("\0\x7F", 2)), "\\x00\\x7F");
  CHECK_EQ(escape_for_terminal("\xC2\x9B"), "\\u{009B}");
  CHECK_EQ(escape_for_terminal("\x9B"), "\\x9B");
  CHECK_EQ(escape_for_terminal("\xE2\x80\xAE"
                               "x"),
           "\\u{202E}x");
  CHECK_EQ(escape_for_terminal("\xD8\x9C"), "\\u{061C}");
  CHECK_EQ(escape_for_terminal("\xC0\x9B\xED\xA0\x80"), "\\xC0\\x9B\\xED\\xA0\\x80");
}

TEST(escape_every_byte) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text{'<', static_cast<char>(byte), '>'};
    const bool plain = byte >= 0x20 && byte < 0x7F;
    const std::string hex = std::string("<\\x") + kHex[byte >> 4] + kHex[byte & 15] + ">";
    CHECK_EQ(escape_for_terminal(text), plain ? text : hex);
  }
}

TEST(escape_exactly_the_unsafe_code_points) {
  std::size_t unsafe = 0;
  for (char32_t point = 0; point <= 0x10FFFF; ++point) unsafe += is_unsafe_to_show(point) ? 1 : 0;
  CHECK_EQ(unsafe, 32u + 33u + 1u + 2u + 5u + 4u);
  for (char32_t point :
       Points{0x00, 0x1F, 0x7F, 0x80, 0x9F, 0x61C, 0x200E, 0x200F, 0x202A, 0x202E, 0x2066, 0x2069})
    CHECK(is_unsafe_to_show(point));
  for (char32_t point : Points{0x20, 0x7E, 0xA0, 0x200D, 0x2029, 0x202F, 0x2065, 0x206A})
    CHECK(!is_unsafe_to_show(point));
}

// The worst text for a check that looks at bytes alone: each pair that a terminal may join.
TEST(escape_leaves_nothing_unsafe_and_is_stable) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text{static_cast<char>(first), static_cast<char>(second)};
      const std::string safe = escape_for_terminal(text);
      CHECK(safe.size() <= 4 * text.size());
      CHECK(escape_for_terminal(safe) == safe);
      for (std::string_view rest = safe; !rest.empty();) {
        const Decoded decoded = decode(rest);
        CHECK(decoded.valid && column_width(decoded.point) >= 0);
        rest.remove_prefix(decoded.length);
      }
    }
  }
}

TEST(escape_excerpt_is_short_and_whole) {
  CHECK_EQ(excerpt("a\nb"), "a\\x0Ab");
  CHECK_EQ(excerpt(std::string(60, 'x')), std::string(60, 'x'));
  CHECK_EQ(excerpt(std::string(61, 'x')), std::string(60, 'x') + "...");
  const std::string cut = excerpt(std::string(59, 'x') +
                                  "\xE6\x97\xA5"
                                  "more");
  CHECK_EQ(cut, std::string(59, 'x') + "\xE6\x97\xA5...");
  CHECK(excerpt(std::string(1 << 20, '\x1B')).size() < 80);
}
