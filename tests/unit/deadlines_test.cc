#include "worker/core/deadlines.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;

TEST(deadlines_name_the_earliest_and_all_that_are_due) {
  Deadlines deadlines;
  CHECK(deadlines.earliest() == kNever);
  deadlines.move("b", kNever, 10);
  deadlines.move("a", kNever, 20);
  deadlines.move("c", kNever, 30);
  CHECK_EQ(deadlines.earliest(), 10);
  CHECK(deadlines.due(9).empty());
  CHECK((deadlines.due(20) == std::set<std::string>{"a", "b"}));
  deadlines.move("b", 10, 40);
  CHECK_EQ(deadlines.earliest(), 20);
  deadlines.move("a", 20, kNever);
  deadlines.move("c", 30, kNever);
  deadlines.move("c", kNever, kNever);
  CHECK_EQ(deadlines.earliest(), 40);
}
