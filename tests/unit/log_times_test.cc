#include "worker/core/log_times.h"

#include "tests/unit/check.h"

namespace dm::worker {
namespace {

// 2026-01-02T03:04:05Z
constexpr std::int64_t kThen = 1767323045000;

std::string marks(const LogTimes& times) {
  std::string text;
  for (const LogMark& mark : times.marks())
    text += std::to_string(mark.size) + "@" + std::to_string(mark.wall_ms) + " ";
  return text;
}

}  // namespace

TEST(log_times_reads_what_it_writes) {
  const std::string text = print_mark({10, 1000}) + print_mark({25, 2500});
  CHECK_EQ(text, "10 1000\n25 2500\n");
  CHECK_EQ(LogTimes::parse(text).print(), text);
}

TEST(log_times_ignores_what_is_no_mark) {
  CHECK_EQ(marks(LogTimes::parse("10 1000\nx\n\n5 y\n 7\n20 2000\n15 2500\n20 2600\n30 30")),
           "10@1000 20@2000 ");
}

TEST(log_times_counts_what_is_half_a_mark) {
  CHECK_EQ(torn_bytes(""), 0U);
  CHECK_EQ(torn_bytes("1 2\n"), 0U);
  CHECK_EQ(torn_bytes("1 2\n34"), 2U);
  CHECK_EQ(torn_bytes("1 2"), 3U);
}

TEST(log_times_gives_the_first_mark_behind_a_byte) {
  const LogTimes times = LogTimes::parse("10 1000\n20 2000\n");
  CHECK_EQ(times.time_of(0), 1000);
  CHECK_EQ(times.time_of(9), 1000);
  CHECK_EQ(times.time_of(10), 2000);
  CHECK_EQ(times.time_of(19), 2000);
  CHECK_EQ(times.time_of(20), 2000);
}

TEST(log_times_since_leaves_out_only_what_is_older) {
  const LogTimes times = LogTimes::parse("10 1000\n20 2000\n30 3000\n");
  CHECK_EQ(times.offset_since(1000), 0);
  CHECK_EQ(times.offset_since(1001), 10);
  CHECK_EQ(times.offset_since(2000), 10);
  CHECK_EQ(times.offset_since(3001), 30);
  CHECK_EQ(LogTimes().offset_since(5), 0);
  // A clock that was set back.
  CHECK_EQ(LogTimes::parse("10 5000\n20 2000\n30 3000\n").offset_since(4000), 0);
}

TEST(log_times_thins_out) {
  LogTimes times = LogTimes::parse("10 1\n20 2\n30 3\n40 4\n50 5\n60 6\n");
  times.thin(20, 100);
  CHECK_EQ(marks(times), "30@3 40@4 50@5 60@6 ");
  times.thin(20, 2);
  CHECK_EQ(marks(times), "40@4 60@6 ");
  times.thin(20, 1);
  CHECK_EQ(marks(times), "60@6 ");
  times = LogTimes::parse("10 1\n20 2\n30 3\n");
  times.thin(0, 2);
  CHECK_EQ(marks(times), "10@1 30@3 ");
}

TEST(log_times_stamps_each_line_once) {
  LogTimes times;
  times.add({4, kThen});
  times.add({100, kThen + 1500});
  LineStamper stamper;
  CHECK_EQ(stamper.stamp("ab", 0, times), "2026-01-02T03:04:05.000Z ab");
  CHECK_EQ(stamper.stamp("c\nd\n", 2, times), "c\n2026-01-02T03:04:06.500Z d\n");
  CHECK_EQ(stamper.stamp("", 6, times), "");
  CHECK_EQ(stamper.stamp("\n", 6, times), "2026-01-02T03:04:06.500Z \n");
}

}  // namespace dm::worker
