#include "master/limits/rate_limit.h"

#include "tests/unit/check.h"

using namespace dm::master;

TEST(allowance_gives_so_many_and_counts_the_rest) {
  RateLimit allowance(2, 100);
  CHECK_EQ(allowance.refused(0), 0);
  CHECK_EQ(allowance.deadline(), INT64_MAX);
  CHECK(allowance.take(1000));
  CHECK(allowance.take(1050));
  CHECK(!allowance.take(1050));
  CHECK(!allowance.take(1099));
  CHECK_EQ(allowance.refused(1099), 0);
  CHECK_EQ(allowance.deadline(), 1100);
  CHECK_EQ(allowance.refused(1100), 2);
  CHECK_EQ(allowance.refused(1100), 0);
  CHECK_EQ(allowance.deadline(), INT64_MAX);
}

TEST(allowance_begins_a_span_with_what_comes_first) {
  RateLimit allowance(1, 100);
  CHECK(allowance.take(0));
  CHECK(!allowance.take(99));
  CHECK(allowance.take(150));
  CHECK(!allowance.take(249));
  // Both spans' together.
  CHECK_EQ(allowance.refused(250), 2);
  CHECK(allowance.take(250));
}
