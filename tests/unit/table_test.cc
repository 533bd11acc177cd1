#include "common/table.h"

#include "tests/unit/check.h"

using namespace dm;

namespace {

std::string shown(const Table& table) {
  std::string out;
  for (const std::string& line : table.lines()) out += line + "$\n";
  return out;
}

}  // namespace

TEST(table_aligns_columns_two_spaces_apart) {
  Table table({{"NAME"}, {"INST", Align::kRight}, {"REASON"}});
  CHECK_EQ(shown(table), "NAME  INST  REASON$\n");
  table.add_row({"w1", "3", "exit code 3"});
  table.add_row({"worker10", "12345", ""});
  CHECK_EQ(shown(table),
           "NAME       INST  REASON$\n"
           "w1            3  exit code 3$\n"
           "worker10  12345$\n");
}

TEST(table_last_column_on_the_right) {
  Table table({{"A"}, {"RSS", Align::kRight}});
  table.add_row({"x", "1"});
  table.add_row({"y", "1000"});
  CHECK_EQ(shown(table), "A   RSS$\nx     1$\ny  1000$\n");
}

TEST(table_has_no_trailing_spaces) {
  Table table({{"A"}, {"B"}, {"C"}});
  table.add_row({"long cell", "", ""});
  table.add_row({"", "", ""});
  table.add_row({"x", "also long", " "});
  for (const std::string& line : table.lines()) CHECK(line.empty() || line.back() != ' ');
  CHECK_EQ(table.lines().size(), 4u);
}

TEST(table_measures_columns_not_bytes) {
  Table table({{"NAME"}, {"X"}});
  table.add_row({"\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", "1"});  // six columns
  table.add_row({"e\xCC\x81", "2"});                             // one
  CHECK_EQ(shown(table),
           "NAME    X$\n\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E  1$\n"
           "e\xCC\x81       2$\n");
}

TEST(table_escapes_its_cells) {
  Table table({{"NAME"}, {"X"}});
  table.add_row({"a\x1B[2J\n", "\xC2\x9B"});
  CHECK_EQ(shown(table), "NAME          X$\na\\x1B[2J\\x0A  \\u{009B}$\n");
}
