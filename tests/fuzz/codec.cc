// common/codec.h: what is read is printed, and what is printed is read, in one way only.
#include "common/codec.h"

#include <algorithm>

#include "common/escape.h"
#include "tests/fuzz/target.h"

using namespace dm;

namespace {

void check_values(const Line& line) {
  for (const auto& [key, value] : line.fields()) {
    CHECK(line.has(key));
    CHECK(value.find('\0') == value.npos);
    const auto all = line.all(key);
    CHECK(std::find(all.begin(), all.end(), value) != all.end());
    CHECK_EQ(line.text(key), all.front());
    if (const auto number = line.number(key))
      CHECK_EQ(parse_integer(std::to_string(*number)).value(), *number);
  }
}

// Nothing but the spaces between fields and the newline is left of what must be escaped.
bool is_one_clean_line(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n') == 1 && text.back() == '\n' &&
         std::none_of(text.begin(), text.end() - 1, [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte < 0x20 || byte == 0x7f;
         });
}

}  // namespace

TARGET(codec) {
  const auto line = parse_line(input);
  if (!line) {
    CHECK(line.error().code == Code::kBadLine);
    CHECK_EQ(escape_for_terminal(line.error().message), line.error().message);
    return;
  }
  check_values(*line);
  std::string printed = line->print();
  CHECK(is_one_clean_line(printed));
  printed.pop_back();
  const auto again = parse_line(printed);
  REQUIRE(again.has_value());
  CHECK_EQ(again->verb(), line->verb());
  CHECK(again->fields() == line->fields());
  CHECK_EQ(again->print(), line->print());
  // A longer spelling of the same is only ever one of more escapes, or a space at the end.
  CHECK(printed.size() <= input.size());
}
