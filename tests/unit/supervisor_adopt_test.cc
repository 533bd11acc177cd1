// What a supervisor makes of runs that another one began, before it was killed.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io/system.h"
#include "tests/unit/check.h"
#include "tests/unit/supervisor_fixture.h"
#include "worker/io/proc.h"
#include "worker/supervisor/process_watch.h"

using namespace dm;
using namespace dm::worker;
using namespace dm::supervisor;
using namespace dm::test;

namespace {

// What an agent gives every app; by it a supervisor knows the apps of its own directory.
std::string library_path(const SupervisorFixture& fixture) {
  return "env=LD_LIBRARY_PATH=" + fixture.root() + "/apps/web/1/lib";
}

std::string adopt_line(const std::string& instance, const Line& spawned) {
  Line line("ADOPT");
  line.add("id", "adopt").add("instance", instance).add("run", 1);
  for (const char* key : {"pid", "start", "started_ms"})
    if (spawned.has(key)) line.add(key, spawned.text(key));
  return line.print();
}

bool lives(const Line& spawned) {
  const auto stat = read_stat(static_cast<int>(spawned.number_or("pid", 0)));
  return stat && stat->alive();
}

// With a cgroup of its own and without one: whatever this machine has.
template <typename Test>
void both_ways(Test test) {
  for (bool use_cgroups : {true, false}) {
    SupervisorFixture fixture(use_cgroups);
    test(fixture);
  }
}

}  // namespace

TEST(adopt_takes_over_what_lives_and_tells_its_end) {
  both_ways([](SupervisorFixture& fixture) {
    LogFile log;
    Line spawned;
    {
      AgentSide agent(fixture.root());
      spawned = spawn(agent, log, "web.1",
                      {"/bin/sh", "-c", "trap 'exit 3' INT; echo up; while :; do sleep 1; done"},
                      library_path(fixture));
      CHECK(log.read_until("up"));
    }
    fixture.replace();
    CHECK(lives(spawned));
    AgentSide agent(fixture.root());
    agent.send(adopt_line("web.1", spawned));
    const Line answer = agent.answer("adopt");
    CHECK_EQ(answer.verb(), "OK");
    for (const char* key : {"pid", "start", "started_ms"})
      CHECK_EQ(field(answer, key), field(spawned, key));
    CHECK_EQ(field(answer, "cgroup"), field(spawned, "cgroup"));
    // Again: the same answer, and a new agent is told of it as of any other run.
    agent.send(adopt_line("web.1", spawned));
    CHECK_EQ(field(agent.answer("adopt"), "pid"), field(spawned, "pid"));
    AgentSide other(fixture.root());
    CHECK_EQ(field(other.wait_for("RUN"), "pid"), field(spawned, "pid"));
    other.send("SIGNAL id=stop instance=web.1 run=1 signal=2 to=group\n");
    CHECK_EQ(other.answer("stop").verb(), "OK");
    const Line exited = other.exited("web.1");
    CHECK_EQ(field(exited, "unknown"), "1");
    CHECK(!exited.has("status") && !exited.has("user_us"));
    CHECK_EQ(field(exited, "left"), "0");
    CHECK(log.read_until(""));
  });
}

TEST(adopt_nothing_that_has_ended_and_no_stranger) {
  SupervisorFixture fixture;
  LogFile log;
  Line spawned;
  {
    AgentSide agent(fixture.root());
    spawned = spawn(agent, log, "web.1", {"/bin/sleep", "1000"}, library_path(fixture));
  }
  fixture.replace();
  AgentSide agent(fixture.root());
  // The number now belongs to another process: it is not touched, by no signal.
  const std::int64_t other_start = spawned.number_or("start", 0) + 1;
  agent.send("ADOPT id=a instance=web.1 run=1 pid=" + field(spawned, "pid") +
             " start=" + std::to_string(other_start) + "\n");
  // What has its mark is found all the same, as something that it left.
  CHECK_EQ(field(agent.answer("a"), "pid"), field(spawned, "pid"));
  CHECK_EQ(field(agent.exited("web.1"), "left"), "1");
  agent.send("ADOPT id=b instance=web.2 run=1 pid=" + field(spawned, "pid") +
             " start=" + std::to_string(other_start) + "\n");
  CHECK_EQ(field(agent.answer("b"), "code"), "not-found");
  agent.send("SIGNAL id=c instance=web.2 run=1 signal=9 to=tree\n");
  CHECK_EQ(field(agent.answer("c"), "code"), "not-found");
  agent.send("ADOPT id=d instance=web.3 run=1\n");
  CHECK_EQ(field(agent.answer("d"), "code"), "not-found");
  // One that leads no session was never a main process.
  agent.send("ADOPT id=e instance=web.4 run=1 pid=" + std::to_string(::getpid()) +
             " start=" + std::to_string(read_stat(::getpid())->start) + "\n");
  if (::getsid(0) != ::getpid()) CHECK_EQ(field(agent.answer("e"), "code"), "not-found");
  agent.send("ADOPT id=f instance=../x run=1 pid=1\n");
  CHECK_EQ(field(agent.answer("f"), "code"), "bad-arg");
  CHECK(lives(spawned));
  agent.send("SIGNAL id=g instance=web.1 run=1 signal=9 to=tree\n");
  CHECK_EQ(agent.answer("g").verb(), "OK");
  CHECK(log.read_until(""));
}

TEST(adopt_finds_by_its_mark_what_nobody_noted) {
  both_ways([](SupervisorFixture& fixture) {
    LogFile log;
    Line spawned;
    {
      AgentSide agent(fixture.root());
      spawned = spawn(agent, log, "web.1", {"/bin/sh", "-c", "setsid sleep 1000 & echo up; wait"},
                      library_path(fixture));
      CHECK(log.read_until("up"));
    }
    fixture.replace();
    AgentSide agent(fixture.root());
    agent.send("ADOPT id=adopt instance=web.1 run=1\n");
    CHECK_EQ(field(agent.answer("adopt"), "pid"), field(spawned, "pid"));
    agent.send("SIGNAL id=kill instance=web.1 run=1 signal=9 to=tree\n");
    CHECK_EQ(field(agent.exited("web.1"), "unknown"), "1");
    CHECK(log.read_until(""));
  });
}

TEST(adopt_kills_the_whole_tree_double_forked_or_not) {
  both_ways([](SupervisorFixture& fixture) {
    LogFile log;
    Line spawned;
    {
      AgentSide agent(fixture.root());
      spawned = spawn(agent, log, "web.1",
                      {"/bin/sh", "-c",
                       "(setsid sh -c 'sleep 1000 & sleep 1000' &); sleep 1000 & "
                       "trap '' INT; echo up; while :; do sleep 1; done"},
                      library_path(fixture));
      CHECK(log.read_until("up"));
    }
    fixture.replace();
    AgentSide agent(fixture.root());
    agent.send(adopt_line("web.1", spawned));
    CHECK_EQ(agent.answer("adopt").verb(), "OK");
    agent.send("SIGNAL id=kill instance=web.1 run=1 signal=9 to=tree\n");
    CHECK_EQ(agent.answer("kill").verb(), "OK");
    CHECK_EQ(field(agent.exited("web.1"), "unknown"), "1");
    CHECK(log.read_until(""));  // nobody holds the log any more
  });
}

TEST(adopt_tells_of_survivors_when_the_main_process_ended_unseen) {
  both_ways([](SupervisorFixture& fixture) {
    LogFile log;
    Line spawned;
    {
      AgentSide agent(fixture.root());
      spawned = spawn(agent, log, "web.1",
                      {"/bin/sh", "-c", "setsid sleep 1000 & echo up; exec sleep 1000"},
                      library_path(fixture));
      CHECK(log.read_until("up"));
    }
    fixture.replace();
    const auto pid = static_cast<pid_t>(spawned.number_or("pid", 0));
    ::kill(pid, SIGKILL);
    (void)retry([&] { return ::waitpid(pid, nullptr, 0); });
    AgentSide agent(fixture.root());
    agent.send(adopt_line("web.1", spawned));
    CHECK_EQ(agent.answer("adopt").verb(), "OK");
    const Line exited = agent.exited("web.1");
    CHECK_EQ(field(exited, "unknown"), "1");
    CHECK_EQ(field(exited, "left"), "1");
    agent.send("SIGNAL id=kill instance=web.1 run=1 signal=15 to=tree\n");
    CHECK_EQ(field(agent.wait_for("EMPTY"), "instance"), "web.1");
    CHECK(log.read_until(""));
  });
}

TEST(watch_tells_the_end_of_a_stranger_by_either_means) {
  for (const auto means : {ProcessWatch::Means::kBest, ProcessWatch::Means::kPolling}) {
    int ends[2] = {-1, -1};
    CHECK_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      char byte = 0;
      ::close(ends[1]);
      (void)!::read(ends[0], &byte, 1);
      ::_exit(0);
    }
    ::close(ends[0]);
    const std::uint64_t start = read_stat(child)->start;
    Loop loop;
    int told = 0;
    bool other_told = false;
    ProcessWatch watch(
        loop, child, start,
        [&] {
          ++told;
          loop.stop(0);
        },
        means);
    // Of another process that has this number nothing is left.
    ProcessWatch recycled(
        loop, child, start + 1,
        [&] {
          other_told = true;
          ::close(ends[1]);  // now the first one may end
        },
        means);
    {
      const ProcessWatch dropped(
          loop, child, start, [&] { told += 10; }, means);
    }
    loop.at(loop.now().mono_ms + kPatienceMs, [&] { loop.stop(1); });
    CHECK_EQ(loop.run(), 0);
    CHECK(other_told);
    CHECK_EQ(told, 1);
    (void)retry([&] { return ::waitpid(child, nullptr, 0); });
  }
}
