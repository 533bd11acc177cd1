#include "worker/core/process_tree.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;

namespace {

constexpr int kReaper = 10;
constexpr TreeRoot kRoot{100, 1000, kReaper};

ProcStat process(int pid, int ppid, int pgid, int sid, std::uint64_t start = 2000) {
  ProcStat stat;
  stat.pid = pid;
  stat.state = 'S';
  stat.ppid = ppid;
  stat.pgid = pgid;
  stat.sid = sid;
  stat.start = start;
  return stat;
}

// The pids that belong, as a text; orphans with a pid of 900 and more carry the mark.
std::string members(const std::vector<ProcStat>& processes) {
  std::string text;
  for (std::size_t place :
       tree_members(processes, kRoot, [](const ProcStat& each) { return each.pid >= 900; }))
    text += std::to_string(processes[place].pid) + " ";
  return text;
}

}  // namespace

TEST(process_tree_follows_the_parents) {
  // 103 is listed before its parent, in a group and session of its own.
  CHECK_EQ(members({process(10, 1, 10, 10), process(103, 102, 103, 103),
                    process(100, kReaper, 100, 100, 1000), process(102, 100, 102, 100),
                    process(200, kReaper, 200, 200), process(201, 200, 200, 200)}),
           "103 100 102 ");
}

TEST(process_tree_keeps_orphans_of_group_session_and_mark) {
  CHECK_EQ(members({process(104, kReaper, 100, 50), process(105, kReaper, 105, 100),
                    process(900, kReaper, 900, 900), process(906, 900, 906, 906),
                    process(107, kReaper, 107, 107), process(108, 107, 107, 107)}),
           "104 105 900 906 ");
}

TEST(process_tree_does_not_reach_beyond_the_reaper) {
  // Marked, or in a session of that number, but no descendant of ours.
  CHECK_EQ(members({process(10, 1, 10, 10), process(900, 1, 900, 900), process(301, 1, 100, 100),
                    process(302, 301, 100, 100)}),
           "");
}

TEST(process_tree_is_not_fooled_by_a_recycled_pid) {
  // 100 is another process now: neither it, nor its group, nor its children belong.
  CHECK_EQ(members({process(100, kReaper, 100, 100, 5000), process(111, 100, 100, 100),
                    process(901, kReaper, 901, 901)}),
           "901 ");
}

TEST(process_tree_ends_on_a_circle) {
  CHECK_EQ(members({process(1, 2, 1, 1), process(2, 1, 1, 1), process(3, 3, 100, 100)}), "");
}

TEST(process_tree_asks_for_the_mark_of_orphans_only) {
  int asked = 0;
  const std::vector<ProcStat> list{process(100, kReaper, 100, 100, 1000), process(101, 100, 7, 7),
                                   process(110, kReaper, 110, 110), process(120, 1, 120, 120)};
  tree_members(list, kRoot, [&](const ProcStat& each) {
    CHECK_EQ(each.pid, 110);
    ++asked;
    return false;
  });
  CHECK_EQ(asked, 1);
}
