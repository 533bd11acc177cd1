// The supervisor's decisions on a machine that does as it is told.
#include "worker/supervision/supervision.h"

#include <map>

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::supervisor;

namespace {

class FakeMachine : public Machine, public Outlet {
 public:
  Now now() const override { return {now_ms, 1'000'000 + now_ms}; }
  TimerId at(std::int64_t mono_ms, Task task) override {
    const TimerId id{mono_ms, ++last_timer_};
    timers_[id] = std::move(task);
    return id;
  }
  void cancel(TimerId id) override { timers_.erase(id); }
  void later(Task task) override { at(now_ms, std::move(task)); }
  Result<std::string> user_for(const std::string&) const override { return std::string(); }
  ForkResult fork(const SpawnOrder&, const std::string&, const std::string&) override {
    return {++last_pid, 7, false, std::nullopt};
  }
  void read_outcome(const RunKey&) override {}
  Status check_log() const override { return {}; }
  void keep_log(const RunKey&) override {}
  void drop_log(const RunKey&) override {}
  std::string acquire_cgroup(const RunKey&) override { return {}; }
  void keep_cgroup(const std::string&) override {}
  std::string find_left_cgroup(const RunKey&) override { return {}; }
  void release_cgroup(const std::string&, bool) override {}
  bool sweep_cgroups() override { return false; }
  bool has_idle_cgroups() const override { return false; }
  void reap() override {}
  Reached signal_group(const Run& run, int signal) override {
    done += "group " + run.key.instance + " " + std::to_string(signal) + "; ";
    return reached;
  }
  Reached signal_tree(const Run& run, int signal) override {
    done += "tree " + run.key.instance + " " + std::to_string(signal) + "; ";
    return reached;
  }
  KillRound kill_tree(const Run&) override { return {false, reached == Reached::kDenied}; }
  void look() override { done += "look; "; }
  std::vector<std::string> orphans() override { return strangers; }
  bool is_empty(const Run&) override { return true; }
  std::vector<std::string> living(const Run&) override { return {}; }
  std::int64_t oom_kills(bool) override { return 0; }
  ChildrenUsage children_usage() override { return {}; }
  Result<std::optional<FoundProcess>> find_main(const RunKey&, int, std::uint64_t) override {
    return std::optional<FoundProcess>();
  }
  void watch(const Run&) override {}
  void unwatch(const RunKey&) override {}

  void send(std::int64_t connection, const Line& line) override {
    sent += std::to_string(connection) + " " + line.print();
  }
  void close(std::int64_t connection) override { done += "close " + std::to_string(connection); }
  bool is_open(std::int64_t) const override { return true; }
  bool flush() override { return true; }
  Line greeting() const override { return Line("SUPERVISOR"); }
  void clear(const Asker&, const Line&) override {}
  void upgrade(const Asker&) override {}
  void end() override { has_ended = true; }

  void pass(std::int64_t ms) {
    now_ms += ms;
    while (!timers_.empty() && timers_.begin()->first.first <= now_ms) {
      const Task task = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      task();
    }
  }

  std::int64_t now_ms = 1000;
  int last_pid = 100;
  Reached reached = Reached::kSome;
  std::vector<std::string> strangers;
  std::string done, sent;
  bool has_ended = false;

 private:
  std::map<TimerId, Task> timers_;
  std::uint64_t last_timer_ = 0;
};

struct Scene {
  Scene() {
    supervision.connected(1);
    tell("SPAWN id=web.1/1 instance=web.1 run=1 path=/bin/x cwd=/ arg=x");
    supervision.runs().resolve({"web.1", 1}, std::nullopt);
    machine.sent.clear();
    machine.done.clear();
  }
  void tell(const std::string& text, std::int64_t connection = 1) {
    supervision.on_line(connection, parse_line(text).value());
  }
  bool has_sent(const std::string& text) const {
    return machine.sent.find(text) != std::string::npos;
  }

  FakeMachine machine;
  Supervision supervision{machine, machine};
};

}  // namespace

TEST(supervision_looks_interrupts_and_continues) {
  Scene scene;
  scene.machine.pass(100);
  scene.tell("SIGNAL id=s instance=web.1 run=1 signal=2 to=group");
  CHECK_EQ(scene.machine.done, "look; group web.1 2; group web.1 18; ");
  CHECK(scene.has_sent("1 OK id=s\n"));
}

TEST(supervision_says_at_once_what_it_may_not_signal) {
  Scene scene;
  scene.machine.reached = Reached::kDenied;
  scene.tell("SIGNAL id=s instance=web.1 run=1 signal=2 to=group");
  CHECK(scene.has_sent("1 ERR id=s code=denied instance=web.1 run=1 msg=not%20permitted"));
  scene.tell("SIGNAL id=k instance=web.1 run=1 signal=9 to=tree");
  CHECK(scene.has_sent("1 ERR id=k code=denied instance=web.1 run=1 msg=not%20permitted"));
}

TEST(supervision_names_what_it_may_not_kill_to_who_stops_everything) {
  Scene scene;
  scene.machine.reached = Reached::kDenied;
  scene.supervision.connected(2);
  scene.tell("STOP-ALL id=all timeout_ms=2000", 2);
  scene.machine.pass(1999);
  CHECK(!scene.has_sent("id=all"));
  scene.machine.pass(1);
  CHECK(scene.has_sent("2 ERR id=all code=denied msg=not%20permitted:%20web.1%20(pid%20101)"));
  scene.supervision.runs().reaped(101, {});
  scene.supervision.runs().reaped_all();
  scene.machine.pass(1);
  CHECK(!scene.has_sent("OK id=all"));
  CHECK(scene.machine.has_ended);
}

TEST(supervision_names_orphans_once_and_to_who_stops_everything) {
  Scene scene;
  scene.machine.strangers = {"55:sleep"};
  scene.machine.pass(1000);
  CHECK(scene.has_sent("1 ORPHANS count=1 orphan=55:sleep\n"));
  scene.machine.sent.clear();
  scene.machine.pass(1000);
  CHECK(!scene.has_sent("ORPHANS"));
  scene.supervision.connected(2);
  CHECK(scene.has_sent("2 ORPHANS count=1 orphan=55:sleep\n"));
  scene.tell("STOP-ALL id=all", 2);
  scene.supervision.runs().reaped(101, {});
  scene.supervision.runs().reaped_all();
  scene.machine.pass(1);
  CHECK(scene.has_sent("2 OK id=all orphan=55:sleep\n"));
}
