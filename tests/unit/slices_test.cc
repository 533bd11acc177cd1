#include "master/core/slices.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::master;

TEST(slices_do_a_hundred_steps_at_a_time) {
  Slices slices;
  int done = 0;
  slices.run([&](Now) { return ++done < 250; }, Now{});
  CHECK_EQ(done, 100);
  CHECK_EQ(slices.deadline(), 0);
  slices.tick(Now{});
  CHECK_EQ(done, 200);
  slices.tick(Now{});
  CHECK_EQ(done, 250);
  CHECK_EQ(slices.deadline(), INT64_MAX);
}

TEST(slices_of_several_commands_take_turns) {
  Slices slices;
  int first = 0, second = 0;
  slices.run([&](Now) { return ++first < 150; }, Now{});
  slices.run([&](Now) { return ++second < 1000; }, Now{});
  slices.tick(Now{});
  CHECK_EQ(first, 150);
  CHECK_EQ(second, 200);
}
