#include "worker/core/backoff.h"

#include <algorithm>

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;

namespace {

struct Range {
  std::int64_t least, most;
};

}  // namespace

TEST(backoff_of_a_restart_is_nothing_then_doubles_to_a_minute) {
  const Range steps[] = {{0, 0},           {750, 1250},      {1500, 2500},
                         {3000, 5000},     {6000, 10'000},   {12'000, 20'000},
                         {24'000, 40'000}, {45'000, 75'000}, {45'000, 75'000}};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    RestartBackoff backoff;
    for (const Range& step : steps) {
      const std::int64_t wait = backoff.next(59'999, random);
      CHECK(wait >= step.least && wait <= step.most);
    }
  }
}

TEST(backoff_of_a_restart_is_the_longest_on_demand) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    RestartBackoff backoff;
    for (const bool told : {true, false}) {
      const std::int64_t wait = told ? backoff.longest(random) : backoff.next(1, random);
      CHECK(wait >= 45'000 && wait <= 75'000);
    }
    CHECK_EQ(backoff.next(60'000, random), 0);
    CHECK(backoff.next(1, random) <= 1250);
  }
}

TEST(backoff_of_a_restart_never_overflows) {
  Random random(1);
  RestartBackoff backoff;
  for (int i = 0; i < 10'000; ++i) CHECK(backoff.next(0, random) <= 75'000);
}

TEST(backoff_of_a_restart_forgets_after_a_minute_of_life) {
  Random random(1);
  RestartBackoff backoff;
  for (int i = 0; i < 5; ++i) (void)backoff.next(0, random);
  CHECK_EQ(backoff.next(60'000, random), 0);
  CHECK(backoff.next(0, random) <= 1250);
  (void)backoff.next(0, random);
  backoff.reset();
  CHECK_EQ(backoff.next(0, random), 0);
}

TEST(backoff_of_a_restart_is_jittered_over_the_whole_quarter) {
  std::int64_t least = 100'000, most = 0;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Random random(seed);
    RestartBackoff backoff;
    (void)backoff.next(0, random);
    const std::int64_t wait = backoff.next(0, random);
    least = std::min(least, wait);
    most = std::max(most, wait);
  }
  CHECK(least < 780);
  CHECK(most > 1220);
}

TEST(backoff_of_a_connect_doubles_from_a_tenth_to_five_seconds) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    ReconnectBackoff backoff;
    for (std::int64_t whole : {100, 200, 400, 800, 1600, 3200, 5000, 5000}) {
      const std::int64_t wait = backoff.next(random);
      CHECK(wait >= whole / 2 && wait <= whole);
    }
    for (int i = 0; i < 100; ++i) CHECK(backoff.next(random) <= 5000);
    backoff.reset();
    CHECK(backoff.next(random) <= 100);
  }
}
