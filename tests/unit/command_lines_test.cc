#include "common/command_lines.h"

#include <random>

#include "common/shell_words.h"
#include "tests/unit/check.h"

using namespace dm;

namespace {

// The commands of a text, each ended by "|"; what is left unfinished behind "?".
std::string commands(std::string_view text) {
  CommandLines lines(1000);
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (const auto command = lines.take(text.substr(0, end))) out += *command + "|";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines.waiting() ? out + "?" + lines.give_up() : out;
}

}  // namespace

TEST(command_lines_end_where_their_quotes_end) {
  CHECK_EQ(commands("ps\nworkers\n"), "ps|workers|");
  CHECK_EQ(commands("launch a -- \"x\nstop all\ny\"\nps"), "launch a -- \"x\nstop all\ny\"|ps|");
  CHECK_EQ(commands("launch a -- 'x\nstop all\ny' z\nps"), "launch a -- 'x\nstop all\ny' z|ps|");
  CHECK_EQ(commands("launch \\\na\nps"), "launch \\\na|ps|");
  CHECK_EQ(commands("a \"\\\"\n\"\nps"), "a \"\\\"\n\"|ps|");
  CHECK_EQ(commands("# it's a comment\nps"), "# it's a comment|ps|");
  CHECK_EQ(commands("a#it's\nps'\n"), "a#it's\nps'|");
  CHECK_EQ(commands("stop 'x\nstop all\n"), "?stop 'x\nstop all\n");
  CHECK_EQ(commands("\n\nps"), "||ps|");
}

TEST(command_lines_too_long_say_nothing_more) {
  CommandLines lines(16);
  CHECK(!lines.take("'12345678"));
  CHECK(!lines.too_long());
  CHECK(!lines.take("12345678'"));
  CHECK(lines.too_long());
  CHECK(!lines.take("ps"));
  CommandLines one(16);
  CHECK(one.take(std::string(15, 'x')).has_value());
  CHECK(!one.take(std::string(16, 'x')).has_value() && one.too_long());
}

// split_words() and CommandLines agree on which text is unfinished.
TEST(command_lines_agree_with_split_words) {
  std::mt19937 random(7);
  constexpr std::string_view kBytes = "ab '\"\\#\n";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    const auto size = random() % 12;
    for (unsigned i = 0; i < size; ++i) text += kBytes[random() % kBytes.size()];
    std::string joined;
    CommandLines lines(1000);
    std::string_view rest = text;
    while (true) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      const bool was_waiting = lines.waiting();
      joined = (was_waiting ? joined + "\n" : "") + std::string(rest.substr(0, end));
      const bool whole = lines.take(rest.substr(0, end)).has_value();
      CHECK_EQ(whole, split_words(joined).has_value());
      if (end == rest.size()) break;
      rest.remove_prefix(end + 1);
    }
  }
}
