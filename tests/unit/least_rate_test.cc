#include "master/limits/least_rate.h"

#include "tests/unit/check.h"

using namespace dm::master;

namespace {
constexpr std::int64_t kWindow = LeastRate::kWindowMs;
constexpr std::int64_t kEnough = LeastRate::kBytesPerSecond * kWindow / 1000;  // in a window
}  // namespace

TEST(rate_is_not_judged_before_a_window_is_over) {
  LeastRate rate;
  CHECK(rate.took(0, kWindow - 1));
  CHECK(rate.took(kEnough, 1));
}

TEST(rate_of_a_trickle_is_too_low) {
  LeastRate rate;
  CHECK(rate.took(1, kWindow / 3));
  CHECK(rate.took(1, kWindow / 3));
  CHECK(!rate.took(1, kWindow / 3));
}

TEST(rate_that_is_just_enough_lasts) {
  LeastRate rate;
  for (int seconds = 0; seconds < 300; ++seconds)
    CHECK(rate.took(LeastRate::kBytesPerSecond, 1000));
  LeastRate less;
  for (int seconds = 0; seconds < 29; ++seconds)
    CHECK(less.took(LeastRate::kBytesPerSecond - 1, 1000));
  CHECK(!less.took(LeastRate::kBytesPerSecond - 1, 1000));
}

TEST(rate_of_a_quick_beginning_buys_no_slow_end) {
  LeastRate rate;
  CHECK(rate.took(1'000'000'000, 1000));
  CHECK(rate.took(0, kWindow - 1000));
  CHECK(!rate.took(10, kWindow));
}

TEST(rate_forgives_one_silence) {
  LeastRate rate;
  CHECK(rate.took(2 * kEnough, kWindow - 1));
  CHECK(rate.took(kEnough, kWindow - 1));
  CHECK(rate.took(1, 100));
}

TEST(rate_over_a_longer_wait_is_that_of_all_of_it) {
  LeastRate rate;
  CHECK(rate.took(10, kWindow - 1));
  CHECK(!rate.took(kEnough, kWindow - 1));
}
