// The agent's journal, and its core under anything: snapshot and replay give the same agent, no
// sequence of events crashes it, every order is answered.
#include "common/random.h"
#include "tests/unit/agent_world.h"
#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;
using namespace dm::test;

namespace {

// A snapshot of an agent that has read that snapshot is the same again.
void check_snapshot(const AgentWorld& world) {
  HostFacts facts;
  facts.name = "w1";
  Agent again(facts, 1);
  for (const Line& record : world.agent_snapshot()) CHECK(again.replay(record).has_value());
  std::string text;
  for (const Line& record : again.snapshot()) text += record.print();
  CHECK_EQ(text, world.snapshot());
}

class AgentStorm {
 public:
  explicit AgentStorm(std::uint64_t seed) : random_(seed) {
    world_.join();
    world_.install("api");
  }

  void blow(int events) {
    for (int i = 0; i < events; ++i) {
      one_event();
      if (random_.next() % 200 == 0) take_over();
    }
  }

  // The supervisor does all that was asked of it, then everybody has an answer.
  void calm() {
    back();
    for (int i = 0; i < 10; ++i) {
      for (const auto& [name, instance] : world_.agent().instances()) names_.insert(name);
      for (const std::string& name : names_) end(name);
      world_.pass(20'000);
    }
    for (const auto& [name, instance] : world_.agent().instances()) {
      CHECK(instance.answers.empty());
      CHECK(instance.state == RunState::kDown || instance.wanted);
    }
    check_snapshot(world_);
  }

 private:
  unsigned pick(unsigned count) { return static_cast<unsigned>(random_.next() % count); }
  // As the master names them: no name is used again after a delete.
  std::string instance() {
    if (pick(2) == 0) return "web." + std::to_string(webs_ + pick(4));
    return "api." + std::to_string(1 + pick(4));
  }
  std::string run_of(const std::string& name) {
    const auto found = world_.agent().instances().find(name);
    const std::int64_t run = found == world_.agent().instances().end() ? 1 : found->second.run;
    return std::to_string(pick(8) == 0 ? run - 1 : run);
  }

  void end(const std::string& name) {
    const std::string run = run_of(name);
    world_.supervisor("EXITED seq=" + std::to_string(++seq_) + " instance=" + name + " run=" + run +
                      " pid=5 status=" + std::to_string(pick(3) * 256) +
                      " ended_ms=1700000000000 left=" + (pick(4) == 0 ? "1" : "0"));
    world_.supervisor("EMPTY instance=" + name + " run=" + run);
  }

  void order() {
    const std::string id = std::to_string(pick(30)), name = instance();
    const std::string policy = pick(2) == 0 ? "always" : pick(2) == 0 ? "on-failure" : "no";
    switch (pick(9)) {
      case 0:
      case 1:
      case 2:
        return world_.order("LAUNCH id=" + id + " " +
                            launch_fields(name, policy, static_cast<int>(1 + pick(6))));
      case 3:
        return world_.order("STOP id=" + id + " instance=" + name + " timeout_ms=" +
                            std::to_string(pick(3000)) + (pick(2) == 0 ? " no_kill=1" : ""));
      case 4: return world_.order("KILL id=" + id + " instance=" + name);
      case 5: return world_.order("DELETE id=" + id + " app=web");
      case 6:
        return world_.order("INSTALL id=" + id + " app=web manifest=" + std::string(kManifest));
      case 7: return world_.order("ACK seq=" + std::to_string(pick(40)));
      default: return world_.order("LOG id=" + id + " instance=" + name + " follow=1");
    }
  }

  void supervisor() {
    const std::string name = instance(), id = name + "/" + run_of(name);
    switch (pick(4)) {
      case 0: return world_.supervisor("OK id=" + id + " pid=5 start=6 started_ms=7");
      case 1: return world_.supervisor("ERR id=" + id + " code=exec-failed msg=no");
      case 2: return world_.supervisor("EMPTY instance=" + name + " run=" + run_of(name));
      default: return end(name);
    }
  }

  void back() {
    world_.feed(SupervisorDown{});
    std::vector<std::string> lines;
    for (const auto& [name, instance] : world_.agent().instances())
      if (instance.pid > 0 && instance.state != RunState::kDown && pick(2) == 0)
        lines.push_back("RUN instance=" + name + " run=" + std::to_string(instance.run) + " pid=5");
    world_.greet(lines, std::to_string(10 + pick(2)));
  }

  void take_over() {
    check_snapshot(world_);
    if (pick(2) == 0)
      world_.restart_from_snapshot();
    else
      world_.restart();
    back();
    world_.welcome();
  }

  void one_event() {
    const std::string manifest(kManifest);
    switch (pick(10)) {
      case 0:
      case 1:
      case 2: return order();
      case 3:
      case 4:
      case 5: return supervisor();
      case 6: return world_.pass(pick(2000));
      case 7:
        if (pick(4) == 0) return back();
        webs_ += 4;
        return world_.feed(Removed{"1", "web", std::nullopt});
      case 8: return world_.feed(Installed{{"1", "web", manifest, "web"}, std::nullopt});
      default: break;
    }
    if (pick(3) != 0) return world_.feed(StreamEnded{std::to_string(pick(30)), std::nullopt});
    world_.feed(MasterDown{"x"});
    if (pick(2) == 0) world_.welcome();
  }

  Random random_;
  AgentWorld world_;
  std::set<std::string> names_;
  unsigned webs_ = 1;
  std::int64_t seq_ = 0;
};

}  // namespace

TEST(journal_of_an_agent_rebuilds_each_state) {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  check_snapshot(world);
  world.exit("web.1", 256);
  world.supervisor("OK id=web.1/2 pid=8");
  check_snapshot(world);
  world.exit("web.1", 256);
  CHECK_EQ(world.state_of("web.1"), "backoff run 2");
  check_snapshot(world);
  world.order("ACK seq=1");
  check_snapshot(world);
  world.order("STOP id=2 instance=web.1");
  world.order("ACK seq=2");
  check_snapshot(world);
  world.restart_from_snapshot();
  CHECK_EQ(world.state_of("web.1"), "dead run 2");
  check_snapshot(world);
  world.take();
  world.greet();
  CHECK_EQ(world.count("spawn"), 0);
}

TEST(journal_of_an_agent_keeps_the_end_of_what_was_deleted) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.feed(MasterDown{"x"});
  world.exit("web.1", 0);
  world.welcome();
  world.order("DELETE id=2 app=web");
  world.feed(Removed{"2", "web", std::nullopt});
  check_snapshot(world);
  world.restart_from_snapshot();
  world.greet();
  world.take();
  world.welcome();
  CHECK_EQ(world.count("M> EXITED seq=1 instance=web.1"), 1);
}

// Another cluster may give the name again, while the end of the first has not been acknowledged.
TEST(journal_of_an_agent_keeps_a_run_apart_from_the_end_of_a_namesake) {
  AgentWorld world;
  world.join();
  world.run("web.1");
  world.exit("web.1", 0);
  world.order("DELETE id=2 app=web");
  world.feed(Removed{"2", "web", std::nullopt});
  world.install("web");
  world.run("web.1");
  check_snapshot(world);
  world.restart_from_snapshot();
  CHECK_EQ(world.state_of("web.1"), "running run 1");
}

TEST(journal_of_an_agent_refuses_what_it_does_not_know) {
  AgentWorld world;
  CHECK(!world.agent().replay(Line("NONSENSE")).has_value());
  CHECK(!world.agent().replay(Line("RUN").add("instance", "web.1").add("run", 1)).has_value());
  CHECK(!world.agent().replay(Line("INSTANCE").add("instance", "web")).has_value());
}

TEST(agent_survives_any_sequence_of_events) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    AgentStorm storm(seed);
    storm.blow(800);
    storm.calm();
  }
}

TEST(agent_keeps_the_ends_of_a_long_absence_in_order_and_within_bounds) {
  AgentWorld world;
  world.join();
  world.run("web.1", "always");
  world.feed(MasterDown{"gone"});
  const int ends = static_cast<int>(kMostEnds) + 7;
  for (int run = 1; run <= ends; ++run) {
    world.exit("web.1", 1 << 8);
    while (world.state_of("web.1") != "starting run " + std::to_string(run + 1)) {
      world.now.mono_ms = std::max(world.now.mono_ms, world.agent().next_deadline());
      world.feed(Tick{});
    }
    world.supervisor("OK id=web.1/" + std::to_string(run + 1) + " pid=7 start=70");
    world.take();
  }
  // The same from memory, from the journal, and from the shortened one.
  for (int life = 0; life < 3; ++life) {
    if (life == 1) world.restart();
    if (life == 2) world.restart_from_snapshot();
    if (life > 0)
      world.greet({"RUN instance=web.1 run=" + std::to_string(ends + 1) + " pid=7 start=70"});
    world.feed(MasterDown{"gone"});
    world.take();
    world.welcome();
    int next = 8;
    std::size_t at = 0;
    const std::string told = world.take();
    while ((at = told.find("M> EXITED seq=", at)) != std::string::npos) {
      at += 14;
      CHECK(told.substr(at).starts_with(std::to_string(next) +
                                        " instance=web.1 run=" + std::to_string(next) + " "));
      ++next;
    }
    CHECK_EQ(next, ends + 1);
  }
}

TEST(journal_of_an_agent_does_not_keep_a_reason_for_the_run_after) {
  AgentWorld world;
  world.join();
  world.order("LAUNCH id=1 " + launch_fields("web.1"));
  world.supervisor("ERR id=web.1/1 code=exec-failed msg=Permission%20denied");
  world.order("LAUNCH id=2 " + launch_fields("web.1", "no", 2));
  world.supervisor("OK id=web.1/2 pid=8 start=80 started_ms=5");
  world.restart();
  world.greet({"RUN instance=web.1 run=2 pid=8 start=80 started_ms=5"});
  world.welcome();
  world.take();
  world.order("LAUNCH id=2 " + launch_fields("web.1", "no", 2));
  CHECK_EQ(world.take(), "M> OK id=2 run=2 pid=8\n");
}
