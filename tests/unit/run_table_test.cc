#include "worker/supervision/run_table.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::supervisor;

namespace {

Run& live(RunTable& table, const std::string& instance, std::int64_t number, int pid) {
  Run& run = table.begin({instance, number}, 5000);
  table.set_process(run, pid, 77);
  table.started(run);
  return run;
}

ExitFacts facts(std::int64_t left = 0) {
  ExitFacts exit;
  exit.ended_ms = 6000;
  exit.status = 256;
  exit.left = left;
  return exit;
}

}  // namespace

TEST(run_table_spawns_nothing_twice) {
  RunTable table;
  CHECK(table.judge({"a.1", 1}) == SpawnVerdict::kSpawn);
  Run& run = table.begin({"a.1", 1}, 5000);
  CHECK(table.judge({"a.1", 1}) == SpawnVerdict::kWait);
  table.set_process(run, 40, 7);
  table.started(run);
  CHECK(table.judge({"a.1", 1}) == SpawnVerdict::kAnswer);
  table.exited(run, facts());
  CHECK(table.judge({"a.1", 1}) == SpawnVerdict::kAnswer);
  table.acknowledge(run.seq);
  CHECK(table.judge({"a.1", 1}) == SpawnVerdict::kSpawn);
  CHECK(table.idle());
}

TEST(run_table_refuses_a_run_older_than_a_known_one) {
  RunTable table;
  live(table, "a.1", 5, 40);
  CHECK(table.judge({"a.1", 4}) == SpawnVerdict::kExists);
  CHECK(table.judge({"a.2", 1}) == SpawnVerdict::kSpawn);
  CHECK(table.judge({"a.10", 1}) == SpawnVerdict::kSpawn);
  CHECK(table.judge({"a.0", 9}) == SpawnVerdict::kSpawn);
}

TEST(run_table_refuses_a_run_beside_a_living_one_of_its_instance) {
  RunTable table;
  Run& first = table.begin({"a.1", 5}, 5000);
  CHECK(table.judge({"a.1", 6}) == SpawnVerdict::kLives);
  CHECK(table.living({"a.1", 6}) == &first);
  CHECK(table.living({"a.1", 5}) == nullptr);
  table.set_process(first, 40, 7);
  table.started(first);
  CHECK(table.judge({"a.1", 7}) == SpawnVerdict::kLives);
  CHECK(table.judge({"a.2", 1}) == SpawnVerdict::kSpawn);
  table.exited(first, facts(1));
  CHECK(table.judge({"a.1", 6}) == SpawnVerdict::kSpawn);
  // What stands between has ended, and is not acknowledged.
  table.exited(live(table, "a.1", 6, 41), facts());
  live(table, "a.1", 3, 39);
  CHECK(table.judge({"a.1", 7}) == SpawnVerdict::kLives);
}

TEST(run_table_is_bounded) {
  RunTable table;
  for (std::size_t i = 0; i < kMaxRuns; ++i) table.begin({"a." + std::to_string(i), 1}, 0);
  CHECK(table.judge({"b.1", 1}) == SpawnVerdict::kFull);
  Run* run = table.find({"a.0", 1});
  REQUIRE(run != nullptr);
  run->waiting.resize(kMaxWaiting);
  CHECK(table.judge({"a.0", 1}) == SpawnVerdict::kFull);
  table.abandon(*run);
  CHECK(table.judge({"b.1", 1}) == SpawnVerdict::kSpawn);
}

TEST(run_table_finds_main_processes_until_they_are_reaped) {
  RunTable table;
  Run& run = live(table, "a.1", 1, 40);
  CHECK(table.by_pid(40) == &run);
  table.set_process(run, 41, 78);
  CHECK(table.by_pid(40) == nullptr);
  CHECK(table.by_pid(41) == &run);
  table.exited(run, facts());
  CHECK(table.by_pid(41) == nullptr);
  CHECK(table.by_pid(0) == nullptr);
}

TEST(run_table_keeps_exit_records_until_acknowledged) {
  RunTable table;
  Run& first = live(table, "a.1", 1, 40);
  Run& second = live(table, "a.2", 1, 41);
  table.exited(first, facts());
  table.exited(second, facts());
  CHECK(second.seq > first.seq);
  CHECK(table.all_ended());
  CHECK(!table.idle());
  table.acknowledge(99);
  table.acknowledge(0);
  table.acknowledge(-1);
  CHECK_EQ(table.runs().size(), 2U);
  const std::int64_t seq = first.seq;
  table.acknowledge(seq);
  table.acknowledge(seq);
  CHECK_EQ(table.runs().size(), 1U);
  CHECK(table.find({"a.1", 1}) == nullptr);
}

TEST(run_table_keeps_a_draining_run_although_acknowledged) {
  RunTable table;
  Run& run = live(table, "a.1", 1, 40);
  table.exited(run, facts(2));
  CHECK(run.phase == RunPhase::kDraining);
  table.acknowledge(run.seq);
  CHECK(!table.idle());
  CHECK(!table.all_ended());
  table.emptied(run);
  CHECK(table.idle());
  CHECK(table.draining().empty());
}

TEST(run_table_counts_what_lives) {
  RunTable table;
  Run& run = table.begin({"a.1", 1}, 0);
  CHECK(!table.all_ended());
  table.abandon(run);
  CHECK(table.all_ended());
  CHECK(table.idle());
}

TEST(run_table_prints_its_lines) {
  RunTable table;
  Run& run = live(table, "a.1", 2, 40);
  run.cgroup = "/c/a.1";
  CHECK_EQ(spawn_answer("9", run).print(),
           "OK id=9 pid=40 start=77 started_ms=5000 cgroup=/c/a.1\n");
  CHECK_EQ(run_line(run).print(),
           "RUN instance=a.1 run=2 pid=40 start=77 started_ms=5000 cgroup=/c/a.1\n");
  ExitFacts exit = facts(3);
  exit.user_us = 10;
  exit.system_us = 20;
  exit.max_rss_bytes = 4096;
  exit.survivors = {"50:s h", "51:x"};
  exit.oom_kills = 1;
  table.exited(run, exit);
  CHECK_EQ(exited_line(run).print(),
           "EXITED seq=1 instance=a.1 run=2 pid=40 start=77 started_ms=5000 ended_ms=6000 "
           "status=256 user_us=10 system_us=20 max_rss_bytes=4096 left=3 survivor=50:s%20h "
           "survivor=51:x oom_kills=1\n");
  CHECK_EQ(empty_line(run).print(), "EMPTY instance=a.1 run=2\n");
}

TEST(run_table_goes_on_from_what_it_saved) {
  RunTable table;
  Run& old = live(table, "b.1", 1, 100);
  old.cgroup = "/c/b.1";
  ExitFacts exit = facts(2);
  exit.survivors = {"9:sh"};
  exit.oom_kills = 3;
  table.exited(old, exit);
  table.acknowledge(old.seq);
  table.exited(live(table, "c.1", 1, 100), facts());
  Run& emptied = live(table, "d.1", 1, 101);
  table.exited(emptied, facts(1));
  table.emptied(emptied);
  Run& lost = table.begin({"e.1", 1}, 5000);
  table.adopted(lost, 102, 78);
  table.started(lost);
  ExitFacts unknown;
  unknown.unknown = true;
  table.exited(lost, unknown);
  // Its number was another's before, whose end is not acknowledged yet.
  live(table, "a.1", 4, 100).oom_kills_before = 5;
  Run& adopted = table.begin({"f.1", 1}, 5000);
  table.adopted(adopted, 100, 78);
  table.started(adopted);

  RunTable next;
  std::string saved, again;
  for (const Line& line : table.save()) {
    saved += line.print();
    const auto read = parse_line(line.print().substr(0, line.print().size() - 1));
    CHECK(next.load(*read).has_value());
  }
  for (const Line& line : next.save()) again += line.print();
  CHECK_EQ(again, saved);
  for (const auto& [key, run] : table.runs()) {
    const Run* copy = next.find(key);
    CHECK(copy != nullptr && copy->phase == run.phase && copy->cgroup == run.cgroup);
    CHECK_EQ(run.lives() ? run_line(run).print() : exited_line(run).print(),
             copy->lives() ? run_line(*copy).print() : exited_line(*copy).print());
  }
  CHECK(next.by_pid(100) == next.find({"a.1", 4}));
  CHECK(next.draining() == table.draining());
  CHECK_EQ(next.find({"a.1", 4})->oom_kills_before, 5);
  Run& ends = *next.find({"a.1", 4});
  next.exited(ends, facts());
  CHECK_EQ(ends.seq, 5);
  CHECK(!next.load(*parse_line("RUN instance=a.1 run=4 pid=1")).has_value());
  CHECK(!next.load(*parse_line("FROB instance=z.1 run=4 pid=1")).has_value());
}
