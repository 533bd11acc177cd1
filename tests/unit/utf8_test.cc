#include "common/utf8.h"

#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>
#include <vector>

#include "tests/unit/check.h"

using namespace dm;

namespace {

using Points = std::initializer_list<char32_t>;

std::string encode(char32_t point) {
  const auto tail = [point](int shift) {
    return static_cast<char>(0x80 | ((point >> shift) & 0x3F));
  };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xC0 | (point >> 6)), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xE0 | (point >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | (point >> 18)), tail(12), tail(6), tail(0)};
}

bool is_bad(std::string_view text) {
  const Decoded decoded = decode(text);
  return !decoded.valid && decoded.length == 1 && decoded.point == kReplacement;
}

}  // namespace

TEST(utf8_reads_every_code_point) {
  for (char32_t point = 0; point <= 0x10FFFF; ++point) {
    const std::string text = encode(point) + "x";
    if (point >= 0xD800 && point <= 0xDFFF) {
      CHECK(is_bad(text));
      continue;
    }
    const Decoded decoded = decode(text);
    CHECK(decoded.valid && decoded.point == point && decoded.length == text.size() - 1);
    CHECK(text.size() == 2 || is_bad(std::string_view(text).substr(0, text.size() - 2)));
  }
}

// The kinds of errors of RFC 3629 and of table 3-7 of the Unicode Standard.
TEST(utf8_refuses_what_is_malformed) {
  for (std::string_view bad : {"\x80",
                               "\xBF",
                               "\xC0\x80",
                               "\xC1\xBF",
                               "\xE0\x80\x80",
                               "\xE0\x9F\xBF",
                               "\xF0\x80\x80\x80",
                               "\xF0\x8F\xBF\xBF",
                               "\xED\xA0\x80",
                               "\xED\xBF\xBF",
                               "\xF4\x90\x80\x80",
                               "\xF5\x80\x80\x80",
                               "\xF8\x88\x80\x80\x80",
                               "\xFE",
                               "\xFF",
                               "\xC3",
                               "\xE2\x82",
                               "\xF0\x9F\x98",
                               "\xC3x",
                               "\xE2\x82x",
                               "\xF0\x9F\x98x",
                               "\xE2x\x82"})
    CHECK(is_bad(bad));
  CHECK_EQ(decode("").length, 0u);
  CHECK(!decode("").valid);
}

TEST(utf8_width_of_single_code_points) {
  for (char32_t control : Points{0x00, 0x07, 0x1F, 0x7F, 0x80, 0x9F})
    CHECK_EQ(column_width(control), -1);
  for (char32_t one :
       Points{0x20,  0x41,   0x7E,   0xA0,   0xAD,   0xE9,   0x2FF,  0x3A9,  0x416,   0x5D0,  0x627,
              0x600, 0x2014, 0x2500, 0x20AC, 0x303F, 0xFFFD, 0xFF61, 0xFFDC, 0x1F1E6, 0x1F321})
    CHECK_EQ(column_width(one), 1);
  for (char32_t zero : Points{0x300,  0x36F,  0x483,   0x5BF,   0x64B,   0x93C,  0xE31,  0x1160,
                              0x11FF, 0x200B, 0x200D,  0x202E,  0x2060,  0x20D0, 0x302A, 0xFE00,
                              0xFE0F, 0xFEFF, 0x1D167, 0xE0001, 0xE0100, 0xE01EF})
    CHECK_EQ(column_width(zero), 0);
  for (char32_t two :
       Points{0x1100,  0x115F,  0x231A,  0x2705,  0x2E80,  0x3000,  0x3042, 0x3400, 0x4DBF,
              0x4E00,  0x9FFF,  0xAC00,  0xD7A3,  0xF900,  0xFF01,  0xFF60, 0xFFE6, 0x1F300,
              0x1F600, 0x1F64F, 0x1F3FB, 0x1F9FF, 0x20000, 0x2FFFD, 0x3FFFD})
    CHECK_EQ(column_width(two), 2);
}

// The sizes of the tables in Unicode 14, so that an edit cannot lose or shift a range unseen.
TEST(utf8_width_tables_are_whole) {
  std::size_t zero = 0, wide = 0;
  for (char32_t point = 0xA0; point <= 0x10FFFF; ++point) {
    const int width = column_width(point);
    CHECK(width >= 0 && width <= 2);
    if (width == 0) ++zero;
    if (width == 2) ++wide;
  }
  CHECK_EQ(zero, std::size_t{7318});
  CHECK_EQ(wide, std::size_t{191877});
}

TEST(utf8_width_of_texts) {
  CHECK_EQ(text_width(""), 0u);
  CHECK_EQ(text_width("abc"), 3u);
  CHECK_EQ(text_width("e\xCC\x81"), 1u);                             // e and a combining acute
  CHECK_EQ(text_width("\xE6\x97\xA5\xE6\x9C\xAC"), 4u);              // two ideographs
  CHECK_EQ(text_width("\xF0\x9F\x98\x80!"), 3u);                     // an emoji
  CHECK_EQ(text_width("\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB"), 2u);  // a syllable of three letters
  CHECK_EQ(text_width("a\xFF\xFE"), 3u);
  CHECK_EQ(text_width("a\nb\x7F"), 2u);
}

TEST(utf8_steps_over_whole_characters) {
  // a, e + acute + cedilla, an ideograph, a bad byte + a mark, b
  const std::string text =
      "ae\xCC\x81\xCC\xA7\xE6\x97\xA5\xFF\xCC\x81"
      "b";
  const std::vector<std::size_t> stops{0, 1, 6, 9, 12, 13};
  for (std::size_t i = 0; i + 1 < stops.size(); ++i) {
    CHECK_EQ(next_character(text, stops[i]), stops[i + 1]);
    CHECK_EQ(previous_character(text, stops[i + 1]), stops[i]);
  }
  CHECK_EQ(next_character(text, text.size()), text.size());
  CHECK_EQ(next_character(text, 99), text.size());
  CHECK_EQ(previous_character(text, 0), 0u);
  CHECK_EQ(previous_character("\xCC\x81\xCC\x81", 4), 0u);  // marks that follow nothing
}

TEST(utf8_steps_stop_at_the_same_places_both_ways) {
  constexpr std::string_view kPieces[] = {"a",    "\n",       "\xC3\xA9",         "\xCC\x81",
                                          "\xFF", "\xE2\x82", "\xF0\x9F\x98\x80", "\x80",
                                          "\xE6", "\xF0\x9F", "\xE2\x80\x8D",     "\xED\xA0\x80"};
  std::uint32_t random = 1;
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (int i = 0; i < 8; ++i) {
      random = random * 1664525 + 1013904223;
      text += kPieces[(random >> 16) % std::size(kPieces)];
    }
    std::vector<std::size_t> forward{0}, backward{text.size()};
    while (forward.back() < text.size()) forward.push_back(next_character(text, forward.back()));
    while (backward.back() > 0) backward.push_back(previous_character(text, backward.back()));
    CHECK((forward == std::vector<std::size_t>(backward.rbegin(), backward.rend())));
  }
}
