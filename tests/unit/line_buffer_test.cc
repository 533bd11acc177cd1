#include "common/line_buffer.h"

#include "tests/unit/check.h"

using dm::LineBuffer;

TEST(line_buffer_splits_at_every_byte) {
  const std::string text = "one\r\ntwo\n\nthree\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    LineBuffer buffer(64);
    buffer.feed(text.substr(0, cut));
    std::string got;
    while (auto line = buffer.next()) got += *line + "|";
    buffer.feed(text.substr(cut));
    while (auto line = buffer.next()) got += *line + "|";
    CHECK_EQ(got, "one|two||three|");
  }
}

TEST(line_buffer_never_reads_the_tail_of_a_long_line) {
  LineBuffer buffer(8);
  buffer.feed("1234567\n");
  CHECK_EQ(buffer.next().value_or("none"), "1234567");
  buffer.feed("123456789");
  CHECK(!buffer.next());
  CHECK(buffer.too_long());
  buffer.feed("\nSTOP\n");
  CHECK(!buffer.next());
}

TEST(line_buffer_hands_out_bodies) {
  LineBuffer buffer(64);
  buffer.feed("PUT size=5\nab\ncdNEXT\n");
  CHECK_EQ(buffer.next().value_or(""), "PUT size=5");
  CHECK_EQ(buffer.take(5), "ab\ncd");
  CHECK_EQ(buffer.next().value_or(""), "NEXT");
  CHECK_EQ(buffer.waiting(), std::size_t{0});
  CHECK_EQ(buffer.take(5), "");
}
