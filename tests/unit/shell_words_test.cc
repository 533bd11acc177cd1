#include "common/shell_words.h"

#include "tests/unit/check.h"

using namespace dm;

namespace {

// Words joined by "|", so that a failure shows them; "!" and the message for an error.
std::string words(std::string_view line) {
  const auto result = split_words(line);
  if (!result) return "!" + result.error().message;
  std::string out;
  for (const std::string& word : *result) out += word + "|";
  return out;
}

}  // namespace

TEST(shell_words_split_at_blanks) {
  CHECK_EQ(words(""), "");
  CHECK_EQ(words(" \t \n"), "");
  CHECK_EQ(words("  launch\tapp  --on w1\nps "), "launch|app|--on|w1|ps|");
  CHECK_EQ(words("a\rb"), "a\rb|");  // a carriage return is no blank in POSIX
}

TEST(shell_words_quotes_keep_bytes) {
  CHECK_EQ(words("'a  b' \"c  d\""), "a  b|c  d|");
  CHECK_EQ(words("a'b'\"c\"d"), "abcd|");
  CHECK_EQ(words("'' \"\" x''"), "||x|");
  CHECK_EQ(words("'\"' \"'\""), "\"|'|");
  CHECK_EQ(words("'a\\b' 'a\\\nb'"), "a\\b|a\\\nb|");
  CHECK_EQ(words("'a\nb'"), "a\nb|");
}

TEST(shell_words_backslash_outside_quotes_keeps_the_next_byte) {
  CHECK_EQ(words("a\\ b \\'c \\\\ \\n \\#x"), "a b|'c|\\|n|#x|");
  CHECK_EQ(words("a\\\nb"), "ab|");
  CHECK_EQ(words("a \\\n b"), "a|b|");
}

// POSIX 2.2.3: the backslash is special only before these five.
TEST(shell_words_backslash_inside_double_quotes) {
  CHECK_EQ(words(R"("\$ \` \" \\")"), "$ ` \" \\|");
  CHECK_EQ(words("\"a\\\nb\""), "ab|");
  for (int byte = 1; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (std::string_view("$`\"\\\n").find(c) != std::string_view::npos) continue;
    CHECK_EQ(words(std::string("\"\\") + c + "\""), std::string("\\") + c + "|");
  }
}

TEST(shell_words_comments_begin_only_at_a_word) {
  CHECK_EQ(words("ps # all 'of them"), "ps|");
  CHECK_EQ(words("# x\nps #y\nlogs"), "ps|logs|");
  CHECK_EQ(words("a#b ''#c \\#d '#e'"), "a#b|#c|#d|#e|");
  CHECK_EQ(words("a \\\n#b"), "a|");  // the continuation is gone before tokens are found
  CHECK_EQ(words("a\\\n#b"), "a#b|");
  CHECK_EQ(words("# a\\\nb"), "b|");  // and is none within a comment
}

TEST(shell_words_expand_nothing) {
  CHECK_EQ(words("$HOME ~ *.c `x` a;b |c >d {1,2} \"$x\""), "$HOME|~|*.c|`x`|a;b||c|>d|{1,2}|$x|");
}

TEST(shell_words_say_what_is_unfinished) {
  CHECK_EQ(words("a 'b"), "!unfinished single quote");
  CHECK_EQ(words("a \"b"), "!unfinished double quote");
  CHECK_EQ(words("\"b\\"), "!unfinished double quote");
  CHECK_EQ(words("\"b\\\""), "!unfinished double quote");
  CHECK_EQ(words("a \\"), "!backslash at the end of the line");
  CHECK_EQ(words(std::string_view("a\0b", 3)), "!NUL byte in the line");
  CHECK_EQ(words(std::string_view("#\0", 2)), "!NUL byte in the line");
  CHECK(split_words("'").error().code == Code::kBadArg);
}

TEST(shell_words_print_words_bare_where_that_is_safe) {
  CHECK_EQ(quote_word("w[1-3]"), "'w[1-3]'");
  CHECK_EQ(quote_word("/usr/bin/x-1_2.so:a,b@c%d+e=f"), "/usr/bin/x-1_2.so:a,b@c%d+e=f");
  CHECK_EQ(quote_word(""), "''");
  CHECK_EQ(quote_word("it's"), "'it'\\''s'");
  CHECK_EQ(quote_word("caf\xC3\xA9"), "caf\xC3\xA9");
  for (const char c : std::string_view(" \t\n|&;<>()$`\\\"'*?[#~!{}"))
    CHECK_EQ(quote_word(std::string(1, c))[0], '\'');
}

TEST(shell_words_read_back_what_they_print) {
  std::string every;
  for (int first = 1; first < 256; ++first) {
    every += static_cast<char>(first);
    for (int second = 1; second < 256; ++second) {
      const std::string word{static_cast<char>(first), static_cast<char>(second)};
      const auto again = split_words(quote_word(word) + " " + quote_word(word));
      REQUIRE(again.has_value() && again->size() == 2);
      CHECK((*again)[0] == word && (*again)[1] == word);
    }
  }
  CHECK_EQ(words(quote_word(every)), every + "|");
}
