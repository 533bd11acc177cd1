#include "master/client/history.h"

#include "tests/unit/check.h"

using namespace dm;

TEST(history_keeps_lines_newest_last) {
  History history;
  CHECK(history.add("workers"));
  CHECK(history.add("ps"));
  REQUIRE(history.size() == 2);
  CHECK_EQ(history.at(1), "ps");
  CHECK_EQ(history.at(2), "workers");
}

TEST(history_leaves_out_what_is_not_worth_keeping) {
  History history;
  history.add("ps");
  CHECK(!history.add("ps"));
  CHECK(!history.add(""));
  CHECK(!history.add(" launch secret"));
  CHECK(!history.add("\t \t"));
  CHECK(!history.add("a\nb"));
  CHECK(!history.add(std::string_view("a\0b", 3)));
  CHECK(!history.add(std::string(History::kMaxLineBytes + 1, 'x')));
  CHECK_EQ(history.size(), 1u);
  CHECK(history.add("workers"));
  CHECK(history.add("ps"));  // equal to an older one only
}

TEST(history_drops_the_oldest_beyond_its_cap) {
  History history;
  for (int i = 0; i < 1003; ++i) history.add("line " + std::to_string(i));
  CHECK_EQ(history.size(), History::kMaxLines);
  CHECK_EQ(history.at(1), "line 1002");
  CHECK_EQ(history.at(history.size()), "line 3");
}

TEST(history_prints_what_it_parses) {
  History history;
  CHECK_EQ(history.parse("ps\nps\n\nworkers \xC3\xA9\nhalf a li"), 4u);
  CHECK_EQ(history.print(), "ps\nworkers \xC3\xA9\n");
  History again;
  again.parse(history.print());
  CHECK_EQ(again.print(), history.print());
}
