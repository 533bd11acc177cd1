#include "tests/fuzz/target.h"

#include <algorithm>
#include <cstdlib>

#include "common/crc32c.h"

namespace dm::test {

// The unit tests count their failures; here the first one is the end.
void failed(const char* file, int line, const std::string& what) {
  std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
  std::abort();
}

}  // namespace dm::test

namespace dm::fuzz {
namespace {
Target* first = nullptr;
}  // namespace

bool add(Target* target) {
  target->next = first;
  first = target;
  return true;
}

const Target* find(std::string_view name) {
  if (name.empty()) return first;
  const Target* target = first;
  while (target != nullptr && target->name != name) target = target->next;
  return target;
}

std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

std::vector<std::string_view> rows_of(std::string_view text) {
  std::vector<std::string_view> rows;
  while (!text.empty()) rows.push_back(take_until(text, '\n'));
  return rows;
}

Dice::Dice(std::string_view input) : state_(crc32c(input)) {}

// Knuth's MMIX generator; its high bits are the good ones.
std::size_t Dice::below(std::size_t limit) {
  state_ = state_ * 6364136223846793005u + 1442695040888963407u;
  return static_cast<std::size_t>(state_ >> 33) % limit;
}

std::vector<std::string_view> pieces_of(std::string_view text, Dice& dice, std::size_t longest) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    pieces.push_back(text.substr(0, 1 + dice.below(longest)));
    text.remove_prefix(pieces.back().size());
  }
  return pieces;
}

}  // namespace dm::fuzz
