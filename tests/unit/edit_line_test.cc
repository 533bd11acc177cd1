#include "master/client/edit_line.h"

#include <random>

#include "common/utf8.h"
#include "tests/unit/check.h"

using namespace dm;

namespace {

// The line with `|` where the cursor stands.
std::string show_line(const EditLine& line) {
  std::string text = line.text();
  return text.insert(line.cursor(), "|");
}

EditLine line_at(std::string_view text) {
  const std::size_t cursor = text.find('|');
  EditLine line;
  line.set(std::string(text.substr(0, cursor)) + std::string(text.substr(cursor + 1)), cursor);
  return line;
}

struct Case {
  std::string_view before;
  bool (EditLine::*act)();
  std::string_view after;  // empty: nothing happens, and the call says so
};

void check_all(const Case* begin, const Case* end) {
  for (const Case* row = begin; row != end; ++row) {
    EditLine line = line_at(row->before);
    CHECK_EQ((line.*row->act)(), !row->after.empty());
    CHECK_EQ(show_line(line), row->after.empty() ? row->before : row->after);
  }
}

}  // namespace

TEST(edit_line_moves) {
  const Case cases[] = {
      {"ab|c", &EditLine::left, "a|bc"},
      {"|abc", &EditLine::left, ""},
      {"ab|c", &EditLine::right, "abc|"},
      {"abc|", &EditLine::right, ""},
      {"e\xCC\x81\xE6\xBC\xA2|", &EditLine::left, "e\xCC\x81|\xE6\xBC\xA2"},
      {"e\xCC\x81|\xE6\xBC\xA2", &EditLine::left, "|e\xCC\x81\xE6\xBC\xA2"},
      {"|e\xCC\x81x", &EditLine::right, "e\xCC\x81|x"},
      {"ab|c", &EditLine::home, "|abc"},
      {"ab|c", &EditLine::end, "abc|"},
      {"|", &EditLine::end, ""},
      {"stop web-1 |", &EditLine::word_left, "stop web-|1 "},
      {"stop |web", &EditLine::word_left, "|stop web"},
      {"st|op  web", &EditLine::word_right, "stop|  web"},
      {"stop|  \xC3\xA9t\xC3\xA9 x", &EditLine::word_right, "stop  \xC3\xA9t\xC3\xA9| x"},
      {"stop|", &EditLine::word_right, ""},
  };
  check_all(std::begin(cases), std::end(cases));
}

TEST(edit_line_erases_and_swaps) {
  const Case cases[] = {
      {"ab|c", &EditLine::erase_left, "a|c"},
      {"|abc", &EditLine::erase_left, ""},
      {"xe\xCC\x81|y", &EditLine::erase_left, "x|y"},
      {"ab|c", &EditLine::erase_right, "ab|"},
      {"abc|", &EditLine::erase_right, ""},
      {"x|e\xCC\x81y", &EditLine::erase_right, "x|y"},
      {"a|bc", &EditLine::transpose, "ba|c"},
      {"abc|", &EditLine::transpose, "acb|"},
      {"|abc", &EditLine::transpose, ""},
      {"a|", &EditLine::transpose, ""},
      {"a\xE6\xBC\xA2|", &EditLine::transpose,
       "\xE6\xBC\xA2"
       "a|"},
  };
  check_all(std::begin(cases), std::end(cases));
}

TEST(edit_line_kills) {
  const Case cases[] = {
      {"ab|c", &EditLine::kill_to_end, "ab|"},
      {"abc|", &EditLine::kill_to_end, ""},
      {"ab|c", &EditLine::kill_to_start, "|c"},
      {"stop| web now", &EditLine::kill_word_right, "stop| now"},
      {"a web-1|", &EditLine::kill_word_left, "a web-|"},
      {"a web-1|", &EditLine::kill_blank_word_left, "a |"},
      {"a web-1  |x", &EditLine::kill_blank_word_left, "a |x"},
  };
  check_all(std::begin(cases), std::end(cases));
}

TEST(edit_line_yank_brings_back_all_that_was_killed_in_a_row) {
  EditLine line = line_at("one two |three four");
  for (bool (EditLine::*act)() : {&EditLine::kill_blank_word_left, &EditLine::kill_word_right,
                                  &EditLine::kill_blank_word_left}) {
    line.next_command();
    (line.*act)();
  }
  CHECK_EQ(show_line(line), "| four");
  line.next_command();
  line.yank();
  CHECK_EQ(show_line(line), "one two three| four");
  line.next_command();
  line.kill_to_end();
  line.next_command();
  line.home();
  line.next_command();
  line.yank();  // only the last: the yank before it ended the row
  CHECK_EQ(show_line(line), " four|one two three");
}

TEST(edit_line_takes_no_more_than_its_limit) {
  EditLine line;
  CHECK(line.insert(std::string(EditLine::kMaxBytes, 'x')));
  CHECK(!line.insert("y"));
  CHECK_EQ(line.text().size(), EditLine::kMaxBytes);
  line.set(std::string(2 * EditLine::kMaxBytes, 'x'), 0);
  CHECK(!line.insert("y"));
}

TEST(edit_line_cursor_stands_between_characters_after_any_change) {
  constexpr bool (EditLine::*kActs[])() = {
      &EditLine::left,           &EditLine::right,         &EditLine::word_left,
      &EditLine::word_right,     &EditLine::home,          &EditLine::end,
      &EditLine::erase_left,     &EditLine::erase_right,   &EditLine::transpose,
      &EditLine::kill_to_end,    &EditLine::kill_to_start, &EditLine::kill_word_right,
      &EditLine::kill_word_left, &EditLine::yank,          &EditLine::kill_blank_word_left,
  };
  constexpr std::string_view kTexts[] = {"a", " ", "\xCC\x81", "\xE6\xBC\xA2", "-", "\xFF"};
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    EditLine line;
    for (int i = 0; i < 60; ++i) {
      line.next_command();
      if (random() % 2 == 0)
        line.insert(kTexts[random() % std::size(kTexts)]);
      else
        (line.*kActs[random() % std::size(kActs)])();
      std::size_t at = 0;
      while (at < line.cursor()) at = next_character(line.text(), at);
      CHECK_EQ(at, line.cursor());
    }
  }
}
