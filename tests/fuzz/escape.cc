// common/escape.h, common/json.h, common/table.h: nothing that could drive a terminal comes out.
#include "common/escape.h"

#include <algorithm>

#include "common/json.h"
#include "common/table.h"
#include "common/utf8.h"
#include "tests/fuzz/target.h"

using namespace dm;

namespace {

// Written anew from the header: C0, DEL, C1, bidirectional controls.
bool is_forbidden(char32_t point) {
  return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x61c || point == 0x200e ||
         point == 0x200f || (point >= 0x202a && point <= 0x202e) ||
         (point >= 0x2066 && point <= 0x2069);
}

void check_harmless(std::string_view text) {
  while (!text.empty()) {
    const Decoded decoded = decode(text);
    CHECK(decoded.valid);
    CHECK(!is_forbidden(decoded.point));
    text.remove_prefix(decoded.length);
  }
}

void check_json(std::string_view text) {
  const std::string json = json_string(text);
  check_harmless(json);
  REQUIRE(json.size() >= 2);
  CHECK(json.front() == '"' && json.back() == '"');
  // No quote inside stands without its backslash.
  for (std::size_t at = 1; at + 1 < json.size(); ++at) {
    CHECK(json[at] != '"');
    if (json[at] == '\\') ++at;
    CHECK(at + 1 < json.size());
  }
}

void check_table(std::string_view text) {
  Table table({{"A"}, {"B", Align::kRight}});
  table.add_row({std::string(text), "1"});
  const std::vector<std::string> lines = table.lines();
  CHECK_EQ(lines.size(), 2u);
  for (const std::string& line : lines) check_harmless(line);
  CHECK_EQ(text_width(lines[0]), text_width(lines[1]));
}

}  // namespace

TARGET(escape) {
  const std::string shown = escape_for_terminal(input);
  check_harmless(shown);
  CHECK(shown.size() <= 4 * input.size());
  CHECK_EQ(escape_for_terminal(shown), shown);
  const std::string cut = excerpt(input);
  check_harmless(cut);
  CHECK(cut.size() <= 60 + 8 + 3);
  CHECK(cut == shown || cut.ends_with("..."));
  check_json(input);
  check_table(input);
}
