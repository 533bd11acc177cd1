#include "master/client/progress.h"

#include "tests/unit/check.h"

using namespace dm;

TEST(progress_shows_how_far_how_fast_and_how_long_still) {
  CHECK_EQ(progress_bar("w1", 50, 100, 1000, 80),
           "w1  [====================>                   ]  50%  50 B/s  1s left");
  CHECK_EQ(progress_bar("w1", 0, 100, 0, 80),
           "w1  [>                                       ]  0%  -");
  CHECK_EQ(progress_bar("w1", 100, 100, 2000, 80),
           "w1  [========================================]  100%  50 B/s");
}

TEST(progress_without_a_total_shows_what_is_done) {
  CHECK_EQ(progress_bar("log", 2048, 0, 1000, 80), "log  2 KiB  2 KiB/s");
}

TEST(progress_fits_its_columns) {
  for (unsigned columns = 0; columns < 120; ++columns)
    for (std::int64_t done : {0, 1, 50, 99, 100})
      CHECK(progress_bar("a-worker-with-a-name", done, 100, 5000, columns).size() <= columns);
  CHECK_EQ(progress_bar("w1", 50, 100, 1000, 30), "w1  50%  50 B/s  1s left");
}

TEST(progress_takes_figures_that_cannot_be) {
  CHECK(progress_bar("w1", 500, 100, 1000, 80).find("100%") != std::string::npos);
  CHECK(progress_bar("w1", -5, 100, 1000, 80).find("0%") != std::string::npos);
  CHECK(progress_bar("w1", INT64_MAX, INT64_MAX, 1, 80).find("100%") != std::string::npos);
  CHECK(!progress_bar("w1", 1, INT64_MAX, INT64_MAX, 80).empty());
  CHECK(progress_bar("w\x1b"
                     "1",
                     1, 2, 3, 80)
            .find('\x1b') == std::string::npos);
}
