#include "common/codec.h"

#include "tests/unit/check.h"

using namespace dm;

TEST(codec_reads_verb_and_fields_in_order) {
  const auto line = parse_line("LAUNCH id=7 arg=a arg=b%20c env=");
  REQUIRE(line.has_value());
  CHECK_EQ(line->verb(), "LAUNCH");
  CHECK_EQ(line->number_or("id", -1), 7);
  REQUIRE(line->all("arg").size() == 2);
  CHECK_EQ(line->all("arg")[1], "b c");
  CHECK(line->has("env"));
  CHECK_EQ(line->text("env", "x"), "");
}

TEST(codec_prints_what_it_reads) {
  Line line("A-B");
  std::string every;
  for (int byte = 1; byte < 256; ++byte) every += static_cast<char>(byte);
  line.add("k", every).add("n", -5);
  const std::string text = line.print();
  const auto again = parse_line(std::string_view(text).substr(0, text.size() - 1));
  REQUIRE(again.has_value());
  CHECK_EQ(again->text("k"), every);
  CHECK_EQ(again->number_or("n", 0), -5);
  CHECK_EQ(again->print(), text);
}

TEST(codec_refuses_what_is_no_line) {
  for (std::string_view bad : {"", "launch x", "A B", "A b", "A =c", "A b=%0", "A b=%zz", "A b=%00",
                               "A b=\x01", "A  b=c", "A B=c", "A b=c\td=e", "Ab=c"})
    CHECK(!parse_line(bad).has_value());
  CHECK(!parse_line(std::string_view("A b=\0c", 6)).has_value());
  CHECK_EQ(parse_line("A b=%0").error().message, "bad % escape at byte 5");
}

TEST(codec_numbers_are_whole_or_absent) {
  const auto line = parse_line("A a=12x b=99999999999999999999 c= d=-3");
  REQUIRE(line.has_value());
  CHECK(!line->number("a"));
  CHECK(!line->number("b"));
  CHECK(!line->number("c"));
  CHECK_EQ(line->number_or("d", 0), -3);
}
