#include "worker/core/log_budget.h"

#include "tests/unit/check.h"

namespace dm::worker {
namespace {

constexpr std::int64_t kMiB = 1024 * 1024;
constexpr std::int64_t kPlenty = 1000 * kMiB;

LogFile file(std::string instance, std::int64_t run, std::int64_t used, std::int64_t written = 0) {
  return {std::move(instance), run, used, used, written};
}

// "a.1/2 dropped, a.1/3 from 4096" in the order of the plan.
std::string plan(const std::vector<LogFile>& files, const std::map<std::string, LogOwner>& owners,
                 std::int64_t total = kPlenty) {
  std::string text;
  for (const LogCut& cut : plan_log_cuts(files, owners, total)) {
    text += (text.empty() ? "" : ", ") + cut.instance + "/" + std::to_string(cut.run);
    text += cut.keep_from == 0 ? " dropped" : " from " + std::to_string(cut.keep_from);
  }
  return text;
}

std::string size(std::int64_t bytes) {
  return std::to_string(bytes / kLogBlock * kLogBlock);
}

}  // namespace

TEST(log_budget_leaves_alone_what_fits) {
  CHECK_EQ(plan({}, {}), "");
  CHECK_EQ(plan({file("a.1", 1, 10 * kMiB)}, {{"a.1", {1, true, 10 * kMiB}}}), "");
  // Of an instance that nobody knows the usual budget is asked.
  CHECK_EQ(plan({file("a.1", 1, kDefaultLogMost)}, {}), "");
}

TEST(log_budget_shortens_a_living_log_a_tenth_below) {
  CHECK_EQ(plan({file("a.1", 1, 11 * kMiB)}, {{"a.1", {1, true, 10 * kMiB}}}),
           "a.1/1 from " + size(2 * kMiB));
}

TEST(log_budget_counts_what_takes_room) {
  // 100 MiB were written, 11 are still there.
  const LogFile holed{"a.1", 1, 100 * kMiB, 11 * kMiB, 0};
  CHECK_EQ(plan({holed}, {{"a.1", {1, true, 10 * kMiB}}}), "a.1/1 from " + size(91 * kMiB));
  CHECK_EQ(plan({holed}, {{"a.1", {1, true, 11 * kMiB}}}), "");
}

TEST(log_budget_frees_first_what_is_set_aside_behind_the_end) {
  LogFile file{"a.1", 1, 1000, 8 * kMiB, 0, 8 * kMiB - kLogBlock};
  const auto cuts = plan_log_cuts({file}, {{"a.1", {1, true, kMiB}}}, 1000 * kMiB);
  REQUIRE(cuts.size() == 1);
  CHECK(cuts[0].trims);
  CHECK_EQ(cuts[0].keep_from, -1);
  // Its data as well, where that is not enough.
  file = {"a.1", 1, 4 * kMiB, 6 * kMiB, 0, 2 * kMiB};
  const auto both = plan_log_cuts({file}, {{"a.1", {1, true, kMiB}}}, 1000 * kMiB);
  REQUIRE(both.size() == 1);
  CHECK(both[0].trims);
  CHECK_EQ(both[0].keep_from, (4 * kMiB - kMiB + kMiB / 10) / kLogBlock * kLogBlock);
}

TEST(log_budget_drops_the_oldest_runs_first) {
  const std::vector<LogFile> files = {file("a.1", 3, 4 * kMiB), file("a.1", 10, 4 * kMiB),
                                      file("a.1", 1, kMiB), file("a.1", 2, 4 * kMiB)};
  // 13 MiB of 10: four must go to come to nine. One and three quarters of the next.
  CHECK_EQ(plan(files, {{"a.1", {10, true, 10 * kMiB}}}),
           "a.1/1 dropped, a.1/2 from " + size(3 * kMiB));
}

TEST(log_budget_never_drops_the_last_run) {
  CHECK_EQ(plan({file("a.1", 7, 30 * kMiB)}, {{"a.1", {7, false, kLeastLogMost}}}),
           "a.1/7 from " + size(30 * kMiB - 16 * kLogBlock));
  CHECK_EQ(
      plan({file("a.1", 6, kMiB), file("a.1", 7, 30 * kMiB)}, {{"a.1", {7, false, kLeastLogMost}}}),
      "a.1/6 dropped, a.1/7 from " + size(30 * kMiB - 16 * kLogBlock));
}

TEST(log_budget_keeps_each_instance_apart) {
  CHECK_EQ(plan({file("a.1", 1, 8 * kMiB), file("a.10", 1, 8 * kMiB)},
                {{"a.1", {1, true, 10 * kMiB}}, {"a.10", {1, true, 10 * kMiB}}}),
           "");
}

TEST(log_budget_of_the_worker_takes_the_least_needed_first) {
  const std::map<std::string, LogOwner> owners = {
      {"a.1", {2, true}}, {"b.1", {1, false}}, {"c.1", {1, true}}};
  const std::vector<LogFile> files = {file("c.1", 1, 9 * kMiB, 9), file("a.1", 2, 5 * kMiB, 8),
                                      file("b.1", 1, 3 * kMiB, 1), file("a.1", 1, 3 * kMiB, 7)};
  CHECK_EQ(plan(files, owners, 20 * kMiB), "");
  // 20 of 19: to come to 17.1 the replaced run goes, and more is not needed.
  CHECK_EQ(plan(files, owners, 19 * kMiB),
           "a.1/1 from " + size(20 * kMiB - (19 * kMiB - 19 * kMiB / 10)));
  CHECK_EQ(plan(files, owners, 18 * kMiB),
           "a.1/1 dropped, b.1/1 from " + size(17 * kMiB - (18 * kMiB - 18 * kMiB / 10)));
  // Then the ended one, then the largest of the living, which is only shortened.
  CHECK_EQ(plan(files, owners, 10 * kMiB),
           "a.1/1 dropped, b.1/1 dropped, c.1/1 from " + size(5 * kMiB));
}

TEST(log_budget_of_nothing_ends) {
  const std::map<std::string, LogOwner> owners = {{"a.1", {1, true}}};
  CHECK_EQ(plan({file("a.1", 1, 16 * kLogBlock)}, owners, 0), "");
}

TEST(log_budget_share_of_the_disk) {
  CHECK_EQ(default_logs_total(50 * kMiB), 5 * kMiB);
  CHECK_EQ(default_logs_total(1000LL * 1024 * kMiB), 10LL * 1024 * kMiB);
}

TEST(log_budget_looks_again_in_time) {
  CHECK_EQ(next_log_look_ms({}, false, 1), 1000);
  CHECK_EQ(next_log_list_ms(1), 5000);
  CHECK_EQ(next_log_list_ms(100), 20'000);
  // It rests, or writes so little that a whole interval does not matter.
  const LogGrowth calm{100 * kMiB, 50 * kMiB, 0, 200, 60'000};
  CHECK_EQ(next_log_look_ms({calm}, false, 1), 200);
  CHECK_EQ(next_log_look_ms({{100 * kMiB, 50 * kMiB, kMiB, 200, 60'000}}, false, 1), 200);
}

TEST(log_budget_keeps_pace_with_a_flood) {
  const LogGrowth calm{100 * kMiB, 50 * kMiB, 0, 200, 60'000};
  // 1 MiB/ms, 50 MiB to its budget and 25 beyond it.
  const LogGrowth fast{100 * kMiB, 50 * kMiB, 200 * kMiB, 200, 60'000};
  CHECK_EQ(next_log_look_ms({calm, fast}, false, 1), 75);
  CHECK_EQ(next_log_look_ms({calm, fast}, true, 1), 50);
  const LogGrowth faster{5 * kMiB, 5 * kMiB, 200 * kMiB, 200, 60'000};
  CHECK_EQ(next_log_look_ms({faster, fast}, false, 1), 10);
  // 20 kB/ms of a budget of 1 MiB that is full.
  CHECK_EQ(next_log_look_ms({{kMiB, kMiB, 400'000, 20, 60'000}}, false, 1), 13);
  CHECK_EQ(next_log_look_ms({{kMiB, 2 * kMiB, 400'000, 20, 60'000}}, false, 1), 13);
}

TEST(log_budget_distrusts_a_young_log) {
  CHECK_EQ(next_log_look_ms({{kMiB, 0, 0, 0, 0}}, false, 1), 10);
  CHECK_EQ(next_log_look_ms({{kMiB, 0, 0, 40, 80}}, false, 1), 80);
  CHECK_EQ(next_log_look_ms({{kMiB, 0, 0, 40, 300}}, false, 1), 200);
}

TEST(log_budget_does_not_look_all_the_time) {
  CHECK_EQ(next_log_look_ms({{kMiB, kMiB, 200 * kMiB, 200, 60'000}}, false, 100), 400);
  CHECK_EQ(next_log_look_ms({{kMiB, 0, 0, 200, 60'000}}, true, 1), 50);
}

TEST(log_budget_counts_the_logs_that_it_drops) {
  DroppedLogs dropped;
  for (const std::int64_t run : {2, 7, 3}) dropped = dropped.with(run);
  dropped = DroppedLogs::parse(dropped.print());
  CHECK_EQ(dropped.count, 3);
  CHECK_EQ(dropped.last_run, 7);
  CHECK_EQ(why_no_log("a.1", 8, dropped), "a.1 has no log of run 8");
  CHECK_EQ(why_no_log("a.1", 7, dropped),
           "the log of run 7 of a.1 is gone: the oldest go first, beyond --log-max and "
           "--logs-total; 3 of its logs went so");
  for (const char* junk : {"", " ", "\n", "1 2", "x 2\n", "1\n2 3\n"})
    CHECK_EQ(DroppedLogs::parse(junk).count, 0);
}

TEST(log_budget_knows_a_log_by_its_name) {
  const auto name = parse_log_name("a-b.12.3");
  REQUIRE(name);
  CHECK_EQ(name->instance, "a-b.12");
  CHECK_EQ(name->run, 3);
  for (const char* other : {"", ".", "a", "a.1", "a.1.x", "a.1.0", "a.1.-2", "a.1.2.times",
                            "a.1.2.gone", "a.1.2.times.tmp", "A.1.2", "a.01.2"})
    CHECK(!parse_log_name(other));
}

}  // namespace dm::worker
