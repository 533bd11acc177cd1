#include "worker/core/process_owners.h"

#include "tests/unit/check.h"

namespace dm::worker {
namespace {

constexpr int kReaper = 50;

ProcStat process(int pid, int ppid, int pgid, int sid, std::uint64_t start = 1) {
  ProcStat stat;
  stat.pid = pid;
  stat.ppid = ppid;
  stat.pgid = pgid;
  stat.sid = sid;
  stat.start = start;
  return stat;
}

// "1" for the first root, "-" for none, in the order of the processes.
std::string owners(const std::vector<ProcStat>& processes, const std::vector<RunRoot>& roots,
                   const std::string& mark = "") {
  std::string text;
  for (const auto& owner :
       owners_of(processes, roots, kReaper, [&](const ProcStat&) { return mark; }))
    text += owner ? std::to_string(*owner + 1) : "-";
  return text;
}

}  // namespace

TEST(owners_by_parent_in_any_order) {
  const std::vector<ProcStat> processes = {
      process(13, 12, 12, 12),      process(12, 11, 12, 12),      process(11, 10, 10, 10),
      process(10, kReaper, 10, 10), process(20, kReaper, 20, 20), process(1, 0, 1, 1)};
  CHECK_EQ(owners(processes, {{"a.1", 10, 1}, {"b.1", 20, 1}}), "11112-");
}

TEST(owners_by_session_and_group_of_orphans) {
  const std::vector<ProcStat> processes = {process(31, kReaper, 31, 10),
                                           process(32, kReaper, 10, 9)};
  CHECK_EQ(owners(processes, {{"a.1", 10, 1}}), "11");
}

TEST(owners_not_by_a_recycled_number) {
  const std::vector<ProcStat> processes = {process(10, 1, 10, 10, 99), process(11, 10, 10, 10)};
  CHECK_EQ(owners(processes, {{"a.1", 10, 1}}), "--");
}

TEST(owners_by_mark_only_for_children_of_the_reaper) {
  const std::vector<ProcStat> processes = {process(30, kReaper, 30, 30), process(31, 30, 31, 31),
                                           process(40, 1, 40, 40)};
  CHECK_EQ(owners(processes, {{"a.1", 10, 1}}, "a.1"), "11-");
  CHECK_EQ(owners(processes, {{"a.1", 10, 1}}, "z.9"), "---");
}

TEST(owners_end_where_parents_form_a_ring) {
  const std::vector<ProcStat> processes = {process(30, 31, 30, 30), process(31, 30, 31, 31)};
  CHECK_EQ(owners(processes, {{"a.1", 10, 1}}), "--");
}

}  // namespace dm::worker
