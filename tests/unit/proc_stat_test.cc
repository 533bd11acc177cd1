#include "worker/core/proc_stat.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;

namespace {
constexpr char kTail[] =
    " S 1 2 3 34816 99 4194304 10 20 30 40 11 12 13 14 20 0 5 0 123456789 2000000 321 1844 0";
}

TEST(proc_stat_reads_the_fields) {
  const auto stat = parse_stat(std::string("77 (app)") + kTail + "\n");
  REQUIRE(stat.has_value());
  CHECK_EQ(stat->pid, 77);
  CHECK_EQ(stat->comm, "app");
  CHECK_EQ(stat->state, 'S');
  CHECK_EQ(stat->ppid, 1);
  CHECK_EQ(stat->pgid, 2);
  CHECK_EQ(stat->sid, 3);
  CHECK_EQ(stat->utime, 11U);
  CHECK_EQ(stat->stime, 12U);
  CHECK_EQ(stat->cutime, 13U);
  CHECK_EQ(stat->cstime, 14U);
  CHECK_EQ(stat->threads, 5);
  CHECK_EQ(stat->start, 123456789U);
  CHECK_EQ(stat->rss_pages, 321U);
}

TEST(proc_stat_name_may_look_like_the_fields) {
  for (std::string name : {"a b", ") Z 9 9", "((", "x) S 1", ""}) {
    const auto stat = parse_stat("5 (" + name + ")" + kTail);
    REQUIRE(stat.has_value());
    CHECK_EQ(stat->comm, name);
    CHECK_EQ(stat->ppid, 1);
  }
}

TEST(proc_stat_refuses_other_texts) {
  for (const char* bad : {"", "5", "5 (a", "5 (a)", "5 (a) ", "x (a) S 1 2 3", "5 (a) S 1 2"})
    CHECK(!parse_stat(bad).has_value());
  CHECK(!parse_stat(std::string("x (a)") + kTail).has_value());
}

TEST(proc_stat_a_zombie_with_threads_lives) {
  ProcStat stat;
  stat.state = 'Z';
  stat.threads = 1;
  CHECK(!stat.alive());
  stat.threads = 2;
  CHECK(stat.alive());
  stat.state = 'D';
  stat.threads = 1;
  CHECK(stat.alive());
}
