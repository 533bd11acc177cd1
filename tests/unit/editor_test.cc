#include "master/client/editor.h"

#include <random>

#include "common/utf8.h"
#include "tests/unit/check.h"

using namespace dm;

namespace {

using Action = EditResult::Action;

// An editor that is typed into. Control keys are written as the terminal sends them.
class Typist {
 public:
  Typist() : editor(history, [this](std::string_view text) { return completion_of(text); }) {}

  // Types, and returns the last key's result. What a paste brings is taken up in its turn.
  EditResult type(std::string_view bytes) {
    keys_.feed(bytes);
    if (keys_.pending_escape()) keys_.flush_escape();
    EditResult last;
    for (;;) {
      if (editor.waiting()) {
        last = editor.next();
      } else if (const std::optional<Key> key = keys_.next()) {
        last = editor.on(*key);
      } else {
        return last;
      }
      if (last.action == Action::kLine) lines.push_back(last.text);
    }
  }

  // The line with `|` where the cursor stands.
  std::string shown() const {
    std::string text = editor.text();
    return text.insert(editor.cursor(), "|");
  }

  History history;
  Editor editor;
  std::vector<std::string> lines;  // that were entered
  std::vector<std::string> names;  // that TAB knows

 private:
  // Completes the last word, whatever stands before it.
  Completion completion_of(std::string_view text) const {
    CompletionWords words;
    words.commands = {{"stop", {}, {OperandKind::kTarget}}, {"copy", {}, {OperandKind::kFile}}};
    words.apps = names;
    const Completion completion = complete(words, text);
    return completion.files ? with_files(completion, names) : completion;
  }

  KeyReader keys_;
};

constexpr std::string_view kUp = "\x1b[A", kDown = "\x1b[B";

std::string paste(std::string_view text) {
  return "\x1b[200~" + std::string(text) + "\x1b[201~";
}

}  // namespace

TEST(editor_binds_the_keys_of_readline) {
  const struct {
    std::string_view typed;
    std::string_view shown;
  } cases[] = {
      {"abc", "abc|"},
      {"abc\x01x", "x|abc"},
      {"abc\x02\x02x", "ax|bc"},
      {"abc\x01\x06x", "ax|bc"},
      {"abc\x01\x05x", "abcx|"},
      {"abc\x01\x04", "|bc"},
      {"abc\x08", "ab|"},
      {"abc\x7f", "ab|"},
      {"abc\x1b[D\x1b[3~", "ab|"},
      {"ab cd\x1b"
       "b\x0b",
       "ab |"},
      {"ab cd\x1b"
       "b\x15",
       "|cd"},
      {"ab cd\x17\x01\x19 ", "cd |ab "},
      {"ab-cd\x1b\x7f", "ab-|"},
      {"ab cd\x01\x1b"
       "d",
       "| cd"},
      {"ab cd\x01\x1b"
       "fx",
       "abx| cd"},
      {"ab cd\x1b[1;5Dx", "ab x|cd"},
      {"ab cd\x1b[1;5D\x1b[1;5D\x1b[1;5Cx", "abx| cd"},
      {"ab\x14", "ba|"},
      {"abc\x1b[H1\x1b[F2", "1abc2|"},
      {"e\xCC\x81\xE6\xBC\xA2\x7f", "e\xCC\x81|"},
      {"e\xCC\x81\x7f", "|"},
  };
  for (const auto& row : cases) {
    Typist typist;
    typist.type(row.typed);
    CHECK_EQ(typist.shown(), row.shown);
  }
}

TEST(editor_tells_what_a_key_asks_for) {
  Typist typist;
  CHECK(typist.type("x").action == Action::kRedraw);
  CHECK(typist.type("\x1b[5~").action == Action::kNothing);
  CHECK(typist.type("\x0c").action == Action::kClear);
  CHECK(typist.type("\x07").action == Action::kBell);
  CHECK(typist.type("\x1a").action == Action::kSuspend);
  CHECK_EQ(typist.shown(), "x|");
  CHECK(typist.type("\x04").action == Action::kBell);  // nothing stands to the right
  const EditResult given_up = typist.type("y\x03");
  CHECK(given_up.action == Action::kInterrupt);
  CHECK_EQ(given_up.text, "xy");
  CHECK_EQ(typist.shown(), "|");
  CHECK(typist.type("\x7f").action == Action::kBell);
  CHECK(typist.type("\x04").action == Action::kEndOfFile);
}

TEST(editor_enter_submits_the_whole_line) {
  Typist typist;
  EditResult entered = typist.type("ps\x01\r");
  CHECK(entered.action == Action::kLine);
  CHECK_EQ(entered.text, "ps");
  CHECK(entered.kept);
  CHECK_EQ(typist.shown(), "|");
  entered = typist.type("ps\n");
  CHECK_EQ(entered.text, "ps");
  CHECK(!entered.kept);
  CHECK_EQ(typist.type("\r").text, "");
}

TEST(editor_history_keeps_the_edited_line) {
  Typist typist;
  typist.type("first\rsecond\rhalf");
  typist.type(kUp);
  CHECK_EQ(typist.shown(), "second|");
  typist.type("\x10");  // C-p
  CHECK_EQ(typist.shown(), "first|");
  CHECK(typist.type(kUp).action == Action::kBell);
  CHECK_EQ(typist.shown(), "first|");
  typist.type(kDown);
  CHECK_EQ(typist.shown(), "second|");
  typist.type("\x0e");  // C-n
  CHECK_EQ(typist.shown(), "half|");
  CHECK(typist.type(kDown).action == Action::kBell);
  typist.type(kUp);
  typist.type("!\r");
  CHECK_EQ(typist.lines.back(), "second!");
  typist.type(kUp);
  CHECK_EQ(typist.shown(), "second!|");
}

TEST(editor_search_finds_older_lines) {
  Typist typist;
  typist.type("stop web\rps web\rstop web\rworkers\rhalf\x01");
  CHECK(!typist.editor.search_prompt());
  typist.type("\x12we");
  CHECK_EQ(typist.editor.search_prompt().value_or(""), "(reverse-i-search)`we': ");
  CHECK_EQ(typist.shown(), "stop |web");
  typist.type("\x12");
  CHECK_EQ(typist.shown(), "ps |web");
  typist.type("\x12");
  CHECK_EQ(typist.shown(), "stop |web");
  CHECK(typist.type("\x12").action == Action::kBell);
  CHECK_EQ(typist.editor.search_prompt().value_or(""), "(failed reverse-i-search)`we': ");
  CHECK_EQ(typist.shown(), "stop |web");
  typist.type("\x07");  // C-g
  CHECK_EQ(typist.shown(), "|half");
  CHECK(!typist.editor.search_prompt());
}

TEST(editor_search_skips_lines_that_look_the_same) {
  Typist typist;
  typist.type("stop b\rstop a\rps\rstop a\r");
  typist.type("\x12stop");
  CHECK_EQ(typist.shown(), "|stop a");
  typist.type("\x12");
  CHECK_EQ(typist.shown(), "|stop b");
  typist.type("\x07stop a\x12stop");  // equal to what is being typed: that is no reason
  CHECK(!typist.editor.search_prompt()->starts_with("(failed"));
}

TEST(editor_search_ends_as_each_key_means) {
  const struct {
    std::string_view key;
    std::string_view shown;
  } cases[] = {
      {"\x1b", "ps |web"},   {"\x1b[C", "ps |web"},  {"\x05", "ps web|"},    {"\x01", "|ps web"},
      {"\x1b[D", "ps| web"}, {"\x0b", "ps |"},       {"\x1b[A", "stop it|"}, {"\x03", "|"},
      {"\x1b[B", "half|"},   {"\x1b[5~", "ps |web"},
  };
  for (const auto& row : cases) {
    Typist typist;
    typist.type("stop it\rps web\rhalf\x12we");
    const EditResult last = typist.type(row.key);
    // An unknown key ends nothing, for it is no key at all.
    CHECK_EQ(typist.editor.search_prompt().has_value(), row.key == "\x1b[5~");
    CHECK_EQ(typist.shown(), row.shown);
    CHECK(last.action != Action::kBell);
  }
  Typist typist;
  typist.type("ps web\rps\rhalf\x12we\r");
  CHECK_EQ(typist.lines.back(), "ps web");
  typist.type("\x12\x12");  // the query before
  CHECK_EQ(typist.editor.search_prompt().value_or(""), "(reverse-i-search)`we': ");
  CHECK(typist.type("\x1bx").action == Action::kRedraw);  // M-x means nothing but ends the search
}

TEST(editor_search_shortens_its_query) {
  Typist typist;
  typist.type("ps\rps web\rworkers\r\x12psx");
  CHECK_EQ(typist.editor.search_prompt().value_or(""), "(failed reverse-i-search)`psx': ");
  typist.type("\x7f");
  CHECK_EQ(typist.editor.search_prompt().value_or(""), "(reverse-i-search)`ps': ");
  CHECK_EQ(typist.shown(), "|ps web");
  typist.type("\x08\x08");
  CHECK(typist.type("\x08").action == Action::kBell);
  typist.type(paste("web"));
  CHECK_EQ(typist.editor.search_prompt().value_or(""), "(reverse-i-search)`web': ");
}

TEST(editor_tab_completes_as_far_as_it_can) {
  Typist typist;
  typist.names = {"web", "worm", "wort"};
  typist.type("sto\t");
  CHECK_EQ(typist.shown(), "stop |");
  CHECK(typist.type("w\t").action == Action::kBell);
  const EditResult list = typist.type("\t");
  CHECK(list.action == Action::kList);
  CHECK_EQ(list.items.size(), 3u);
  CHECK_EQ(list.items[0], "web");
  CHECK(typist.type("o\t").action == Action::kRedraw);
  CHECK_EQ(typist.shown(), "stop wor|");
  CHECK(typist.type("\t").action == Action::kList);
  typist.type("m\t");
  CHECK_EQ(typist.shown(), "stop worm |");
  CHECK(typist.type("x\t").action == Action::kBell);
  CHECK(typist.type("\t").action == Action::kBell);
}

TEST(editor_tab_needs_two_in_a_row_to_list) {
  Typist typist;
  typist.names = {"web", "worm"};
  CHECK(typist.type("stop w\t").action == Action::kBell);
  typist.type("e\x7f");
  CHECK(typist.type("\t").action == Action::kBell);
}

TEST(editor_tab_in_the_middle_steps_over_the_blank) {
  Typist typist;
  typist.names = {"web"};
  typist.type(
      "stop w now\x1b"
      "b\x02\t");
  CHECK_EQ(typist.shown(), "stop web |now");
}

TEST(editor_tab_quotes_and_goes_on_in_directories) {
  const struct {
    std::string_view typed;
    std::string_view shown;
  } cases[] = {
      {"copy b\t", "copy bin/|"},           {"copy m\t", "copy my\\ file |"},
      {"copy 'm\t", "copy 'my file' |"},    {"copy \"m\t", "copy \"my file\" |"},
      {"copy my\\ \t", "copy my\\ file |"}, {"copy 'b\t", "copy 'bin/|"},
      {"copy t\t", "copy two\\ |"},
  };
  for (const auto& row : cases) {
    Typist typist;
    typist.names = {"bin/", "my file", "two a", "two b"};
    typist.type(row.typed);
    CHECK_EQ(typist.shown(), row.shown);
  }
}

TEST(editor_paste_enters_its_whole_lines) {
  Typist typist;
  typist.type("st" + paste("op a\r\nstop b\n\nstop c") + "!");
  REQUIRE(typist.lines.size() == 3);
  CHECK_EQ(typist.lines[0], "stop a");
  CHECK_EQ(typist.lines[1], "stop b");
  CHECK_EQ(typist.lines[2], "");
  CHECK_EQ(typist.shown(), "stop c!|");
  CHECK_EQ(typist.history.size(), 2u);
  typist.type("\x12" + paste("a\nb"));
  CHECK_EQ(typist.lines.back(), "stop c!a");
  CHECK_EQ(typist.shown(), "b|");
}

TEST(editor_paste_hands_out_one_line_at_a_time) {
  Typist typist;
  Key key;
  key.kind = Key::kPaste;
  key.text = "a\nb\nc\n";
  CHECK_EQ(typist.editor.on(key).text, "a");
  CHECK(typist.editor.waiting());
  CHECK_EQ(typist.editor.next().text, "b");
  CHECK(typist.editor.waiting());
  typist.editor.forget_waiting();
  CHECK(!typist.editor.waiting());
  CHECK(typist.editor.next().action == Action::kRedraw);
}

TEST(editor_paste_never_enters_half_a_line) {
  Typist typist;
  const std::string too_long(EditLine::kMaxBytes + 1, 'x');
  const EditResult told = typist.type(paste("ps\n" + too_long + "\nworkers\n"));
  CHECK(told.action == Action::kNotice);
  CHECK_EQ(told.text, "the paste is too long: its last 16394 bytes are left out");
  REQUIRE(typist.lines.size() == 1);
  CHECK_EQ(typist.shown(), "|");
  CHECK(!typist.editor.waiting());

  Key key;
  key.kind = Key::kPaste;
  key.text = "ps\nwork";
  key.dropped = 7;
  CHECK(typist.editor.on(key).action == Action::kLine);
  CHECK(typist.editor.next().action == Action::kRedraw);
  CHECK(typist.editor.waiting());
  CHECK_EQ(typist.editor.next().text, "the paste is too long: its last 7 bytes are left out");
  CHECK_EQ(typist.shown(), "work|");
}

TEST(editor_survives_any_bytes) {
  std::mt19937 random(13);
  constexpr std::string_view kLikely("\x1b[ABCD~200\t\r\x12\x10\x0e\x17\x19\x14\xCC\x81we ");
  for (int round = 0; round < 1000; ++round) {
    Typist typist;
    typist.names = {"web", "we b", "\xE6\xBC\xA2"};
    for (int i = 0; i < 60; ++i) {
      const char byte = random() % 4 != 0 ? kLikely[random() % kLikely.size()]
                                          : static_cast<char>(random() % 256);
      typist.type(std::string_view(&byte, 1));
      std::size_t at = 0;
      while (at < typist.editor.cursor()) at = next_character(typist.editor.text(), at);
      CHECK_EQ(at, typist.editor.cursor());
    }
  }
}
