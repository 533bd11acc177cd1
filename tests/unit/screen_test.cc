#include "master/client/screen.h"

#include <algorithm>
#include <random>

#include "common/utf8.h"
#include "tests/unit/check.h"
#include "tests/unit/terminal_model.h"

using namespace dm;
using dm::test::TerminalModel;

namespace {

// What a line must look like, worked out without the screen's code.
struct Expected {
  std::vector<std::string> rows = {""};
  std::size_t row = 0, column = 0;

  Expected(std::size_t columns, const std::string& text, std::size_t cursor) {
    std::size_t used = 0;
    const auto begin_row = [&] {
      rows.emplace_back();
      used = 0;
    };
    for (std::size_t at = 0; at < text.size(); at = next_character(text, at)) {
      const std::string one = text.substr(at, next_character(text, at) - at);
      if (used + text_width(one) > columns) begin_row();
      if (at == cursor) row = rows.size() - 1, column = used;
      rows.back() += one;
      used += text_width(one);
    }
    if (used == columns) begin_row();
    if (cursor == text.size()) row = rows.size() - 1, column = used;
    for (std::string& one : rows) one.erase(one.find_last_not_of(' ') + 1);
    while (!rows.empty() && rows.back().empty()) rows.pop_back();
  }
};

std::string joined(const std::vector<std::string>& rows) {
  std::string text;
  for (const std::string& row : rows) text += row + "\n";
  return text;
}

constexpr std::string_view kSamples[] = {
    "",
    "launch redis --on w1 --count 3 -- --port 6379 --save",
    "\xE6\xBC\xA2\xE5\xAD\x97\xE3\x81\xA8 a\xE3\x81\x8B\xE3\x81\xAA b \xF0\x9F\x98\x80\xF0\x9F"
    "\x98\x80\xE6\xBC\xA2\xE5\xAD\x97\xE6\xBC\xA2\xE5\xAD\x97",
    "e\xCC\x81te\xCC\x81 o\xCC\x88o\xCC\x88o\xCC\x88 \xE6\xBC\xA2\xCC\x81 na\xC3\xAFve "
    "cafe\xCC\x81",
};
constexpr std::string_view kPrompts[] = {"dm> ", "", "\xE6\xBC\xA2> "};

void check_screen(const TerminalModel& model, std::size_t columns, const std::string& prompt,
                  const std::string& text, std::size_t cursor) {
  const Expected expected(columns, prompt + text, prompt.size() + cursor);
  CHECK_EQ(joined(model.rows()), joined(expected.rows));
  CHECK_EQ(model.row(), expected.row);
  CHECK_EQ(model.column(), expected.column);
  CHECK(!model.late());
  CHECK(!model.broken);
}

}  // namespace

TEST(screen_shows_the_line_and_cursor_at_every_width) {
  for (std::size_t columns = 5; columns <= 40; ++columns)
    for (const std::string_view sample : kSamples) {
      const std::string_view prompt = kPrompts[columns % std::size(kPrompts)];
      TerminalModel model(columns, 20);
      Screen screen;
      screen.resize(columns, 20);
      // The text grows, then the cursor goes back, each step over what the last one left.
      const std::string text(sample);
      std::size_t at = 0;
      for (; at < text.size(); at = next_character(text, at)) {
        model.write(screen.draw(prompt, text.substr(0, at), at));
        check_screen(model, columns, std::string(prompt), text.substr(0, at), at);
      }
      for (;; at = previous_character(text, at)) {
        model.write(screen.draw(prompt, text, at));
        check_screen(model, columns, std::string(prompt), text, at);
        if (at == 0) break;
      }
    }
}

TEST(screen_random_changes_leave_nothing_behind) {
  std::mt19937 random(17);
  for (int round = 0; round < 300; ++round) {
    const std::size_t columns = 5 + random() % 36;
    TerminalModel model(columns, 30);
    Screen screen;
    screen.resize(columns, 30);
    for (int i = 0; i < 20; ++i) {
      std::string text(kSamples[random() % std::size(kSamples)]);
      std::size_t cut = 0, cursor = 0;
      for (auto steps = random() % 70; steps > 0; --steps) cut = next_character(text, cut);
      text.resize(cut);
      for (auto steps = random() % 70; steps > 0; --steps) cursor = next_character(text, cursor);
      model.write(screen.draw("dm> ", text, cursor));
      check_screen(model, columns, "dm> ", text, cursor);
    }
  }
}

TEST(screen_hides_and_shows_the_line_around_output) {
  for (std::size_t columns = 5; columns <= 40; ++columns) {
    TerminalModel model(columns, 20);
    Screen screen;
    screen.resize(columns, 20);
    const std::string text(kSamples[2]);
    model.write(screen.draw("dm> ", text, 6));
    model.write(screen.hide());
    CHECK(!screen.shown());
    CHECK_EQ(joined(model.rows()), "");
    CHECK_EQ(model.column(), 0u);
    CHECK_EQ(screen.hide(), "");
    model.write("w2\r\nup\r\n");
    model.write(screen.show());
    const Expected expected(columns, "dm> " + text, 4 + 6);
    CHECK_EQ(joined(model.rows()), "w2\nup\n" + joined(expected.rows));
    CHECK_EQ(model.row(), expected.row + 2);
    CHECK_EQ(model.column(), expected.column);
  }
}

TEST(screen_finish_leaves_the_cursor_on_a_fresh_row) {
  for (std::size_t columns = 5; columns <= 40; ++columns) {
    TerminalModel model(columns, 20);
    Screen screen;
    screen.resize(columns, 20);
    const std::string text(kSamples[1]);
    model.write(screen.draw("dm> ", text, 3));
    model.write(screen.finish("dm> ", text));
    model.write(screen.draw("dm> ", "", 0));
    const Expected expected(columns, "dm> " + text, 0);
    CHECK_EQ(joined(model.rows()), joined(expected.rows) + "dm>\n");
  }
}

TEST(screen_redraws_after_a_resize) {
  for (std::size_t from = 8; from <= 40; from += 4)
    for (std::size_t to = 5; to <= 40; ++to)
      for (const std::string_view sample : kSamples) {
        const std::string text(sample);
        // The cursor at the end, in the middle and at the beginning.
        for (std::size_t steps = 0, at = text.size();; ++steps, at = previous_character(text, at)) {
          if (steps % 23 != 0 && at != 0) continue;
          TerminalModel model(from, 20);
          Screen screen;
          screen.resize(from, 20);
          model.write("above\r\n");
          model.write(screen.draw("dm> ", text, at));
          model.reflow(to);
          screen.resize(to, 20);
          model.write(screen.draw("dm> ", text, at));
          const Expected expected(to, "dm> " + text, 4 + at);
          CHECK_EQ(joined(model.rows()), "above\n" + joined(expected.rows));
          CHECK_EQ(model.row(), expected.row + 1);
          if (at == 0) break;
        }
      }
}

TEST(screen_shows_control_characters_as_text) {
  TerminalModel model(20, 5);
  Screen screen;
  screen.resize(20, 5);
  model.write(screen.draw("> ", "a\t\x1b\x7f\xC2\x9B\xFFz", 2));
  CHECK_EQ(joined(model.rows()), "> a^I^[^?<9B>\xEF\xBF\xBDz\n");
  CHECK_EQ(model.column(), 5u);
  CHECK(!model.broken);
}

TEST(screen_shows_the_rows_around_the_cursor_of_a_long_line) {
  std::string text;
  for (int i = 100; i < 200; ++i) text += std::to_string(i) + "......,";  // ten columns each
  TerminalModel model(10, 6);
  Screen screen;
  screen.resize(10, 6);
  model.write(screen.draw("", text, text.size()));
  CHECK_EQ(joined(model.rows()), "195......,\n196......,\n197......,\n198......,\n199......,\n");
  CHECK_EQ(model.row(), 5u);
  model.write(screen.draw("", text, 500));
  CHECK_EQ(model.rows()[5], "150......,");
  CHECK_EQ(model.row(), 5u);
  CHECK_EQ(model.column(), 0u);
  model.write(screen.draw("", text + "zz", text.size() + 2));
  CHECK_EQ(model.rows()[5], "zz");
  CHECK_EQ(model.column(), 2u);
  model.write(screen.draw("", text, 3));
  CHECK_EQ(model.rows()[0], "100......,");
  CHECK_EQ(model.rows()[5], "105......,");
  CHECK_EQ(model.row(), 0u);
  CHECK_EQ(model.column(), 3u);
  model.write(screen.hide());
  CHECK_EQ(joined(model.rows()), "");
}

TEST(screen_clear_begins_at_the_top) {
  TerminalModel model(20, 5);
  Screen screen;
  screen.resize(20, 5);
  model.write("one\r\ntwo\r\n");
  model.write(screen.draw("> ", "ps", 1));
  model.write(screen.clear());
  CHECK_EQ(joined(model.rows()), "> ps\n");
  CHECK_EQ(model.row(), 0u);
  CHECK_EQ(model.column(), 3u);
}

TEST(screen_typing_at_the_end_needs_no_cursor_movement) {
  Screen screen;
  screen.draw("> ", "p", 1);
  CHECK_EQ(screen.draw("> ", "ps", 2), "\r> ps\x1b[J");
  CHECK_EQ(screen.draw("> ", "ps", 1), "\r> ps\x1b[J\r\x1b[3C");
}

TEST(screen_lists_in_columns) {
  CHECK_EQ(in_columns({"a", "b", "c", "d", "e"}, 8), "a  c  e\nb  d\n");
  CHECK_EQ(in_columns({"\xE6\xBC\xA2", "b"}, 20), "\xE6\xBC\xA2  b\n");
  CHECK_EQ(in_columns({"much too long", "b"}, 5), "much too long\nb\n");
  CHECK_EQ(in_columns({}, 5), "");
}
