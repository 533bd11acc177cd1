#include "worker/core/sample_turns.h"

#include <algorithm>

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;

namespace {

constexpr Now kStart{50'000, 1'700'000'000'000};

std::map<std::string, Instance> living(int count, const std::string& cgroup) {
  std::map<std::string, Instance> instances;
  for (int i = 1; i <= count; ++i) {
    Instance& instance = instances["web." + std::to_string(i)];
    instance.spec.name = "web." + std::to_string(i);
    instance.state = RunState::kUp;
    instance.pid = i;
    instance.cgroup = cgroup;
  }
  return instances;
}

Now after(std::int64_t ms) {
  return {kStart.mono_ms + ms, kStart.wall_ms + ms};
}

}  // namespace

TEST(sample_turns_come_to_everybody) {
  const auto instances = living(1000, "/cg");
  SampleTurns turns;
  std::map<std::string, int> times;
  std::int64_t ms = 0;
  for (int turn = 0; turn < 8; ++turn) {
    const TakeSample sample = turns.take(instances, after(ms));
    CHECK_EQ(sample.instances.size(), SampleTurns::kMost);
    for (const std::string& name : sample.instances) ++times[name];
    CHECK(turns.next() == kNever);
    turns.taken(5, 1000, after(ms + 5));
    ms = turns.next() - kStart.mono_ms;
  }
  CHECK_EQ(times.size(), 1000U);
  for (const auto& [name, count] : times) CHECK(count == 2 || count == 3);
  CHECK_EQ(ms, 8 * 1005);
}

TEST(sample_turns_rest_longer_where_measuring_is_slow) {
  SampleTurns turns;
  (void)turns.take(living(3, ""), after(0));
  turns.taken(60, 1000, after(60));
  CHECK_EQ(turns.next(), after(3060).mono_ms);
  (void)turns.take(living(3, ""), after(3060));
  turns.taken(4000, 1000, after(7060));
  CHECK_EQ(turns.next(), after(17'060).mono_ms);
  turns.hurry(after(7070));
  CHECK_EQ(turns.next(), after(7070).mono_ms);
}

TEST(sample_turns_measure_a_new_run_soon_and_alone) {
  auto instances = living(3, "");
  SampleTurns turns;
  TakeSample sample = turns.take(instances, after(0));
  CHECK(sample.scans);
  CHECK_EQ(sample.instances.size(), 3U);
  turns.began("web.2", after(2));
  turns.taken(5, 1000, after(5));
  CHECK_EQ(turns.next(), after(55).mono_ms);
  sample = turns.take(instances, after(55));
  CHECK(!sample.scans);
  CHECK(sample.instances == std::vector<std::string>{"web.2"});
  // That was no turn: the next one is due when it was.
  turns.taken(1, 1000, after(56));
  CHECK_EQ(turns.next(), after(1005).mono_ms);
  // One that has ended since is not measured.
  turns.began("web.3", after(60));
  instances.at("web.3").state = RunState::kDown;
  CHECK(turns.take(instances, after(110)).instances.empty());
}

TEST(sample_turns_keep_to_their_size_with_many_new_runs) {
  const auto instances = living(1000, "/cg");
  SampleTurns turns;
  for (const auto& [name, instance] : instances) turns.began(name, kStart);
  std::size_t measured = 0;
  for (int pass = 0; pass < 4; ++pass) {
    const TakeSample sample = turns.take(instances, after(100 * pass));
    CHECK(sample.instances.size() <= SampleTurns::kMost);
    measured += sample.instances.size();
    turns.taken(1, 1000, after(100 * pass + 1));
  }
  CHECK_EQ(measured, 1000U);
}
