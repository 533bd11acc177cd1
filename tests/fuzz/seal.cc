// common/handshake.h, LineSeal: whatever the network does with sealed lines, those that open are
// the first ones that were sent, each once and in their order.
//
// The first row of the input says what happens to each line in turn; the others are the lines.
#include "common/handshake.h"
#include "tests/fuzz/target.h"

using namespace dm;
using namespace dm::fuzz;

namespace {

std::string without_newline(std::string text) {
  text.pop_back();
  return text;
}

// What arrives in place of `sealed`, the line of that number.
std::vector<std::string> travel(char act, const std::vector<std::string>& sealed, std::size_t at,
                                Dice& dice) {
  std::string line = sealed[at];
  const std::size_t place = dice.below(line.size());
  switch (act) {
    case 'd': return {};
    case 'r': return {line, line};
    case 'f': line[place] = static_cast<char>(line[place] ^ (1 << dice.below(8))); return {line};
    case 'c': return {line.substr(0, place)};
    case 'i': return {line.insert(place, 1, 'x')};
    case 'o': return {sealed[dice.below(at + 1)]};     // an old one, or itself
    case 'j': return {line + line};                    // two made into one
    case 'm': return {line.substr(line.size() - 37)};  // the code without its line
    default: return {line};
  }
}

}  // namespace

TARGET(seal) {
  Dice dice(input);
  const std::string_view acts = take_until(input, '\n');
  const std::vector<std::string_view> lines = rows_of(input);
  LineSeal out("key"), in("key"), other("another key"), back("key");
  std::vector<std::string> sealed;
  for (const std::string_view line : lines)
    sealed.push_back(without_newline(out.seal(std::string(line) + "\n")));

  std::size_t opened = 0;
  bool dropped = false;
  for (std::size_t at = 0; at < sealed.size() && !dropped; ++at) {
    const char act = at < acts.size() ? acts[at] : ' ';
    CHECK(!other.open(sealed[at]).has_value());
    for (const std::string& arrived : travel(act, sealed, at, dice)) {
      const auto line = in.open(arrived);
      dropped = !line;
      if (dropped) break;
      REQUIRE(opened < lines.size());
      CHECK_EQ(*line, lines[opened]);
      CHECK_EQ(arrived, sealed[opened]);
      ++opened;
    }
  }
  // An honest network loses nothing.
  if (acts.find_first_of("drfciojm") == acts.npos) CHECK_EQ(opened, lines.size());
  // A stranger's line, sealed with nothing.
  if (!lines.empty()) CHECK(!LineSeal("key").open(lines.front()).has_value());
}
