// Processes that hide from their run: what was ever seen of a run ends with it, and what nobody can
// tell is named and left alone.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io/system.h"
#include "tests/unit/check.h"
#include "tests/unit/supervisor_fixture.h"
#include "worker/io/proc.h"

using namespace dm;
using namespace dm::worker;
using namespace dm::supervisor;
using namespace dm::test;

namespace {

std::vector<std::string> sh(const std::string& script) {
  return {"/bin/sh", "-c", script};
}

void signal(AgentSide& agent, const std::string& instance, int number, const std::string& to) {
  Line line("SIGNAL");
  line.add("id", "s").add("instance", instance).add("run", 1);
  agent.send(line.add("signal", number).add("to", to).print());
  CHECK_EQ(agent.answer("s").verb(), "OK");
}

// "up PID\n", as the log tells it.
std::string pid_in(LogFile& log) {
  CHECK(log.read_until("\n"));
  return log.got.substr(3, log.got.find('\n') - 3);
}

// Without its session, its environment and its parent.
constexpr char kHidden[] = "env -i /usr/bin/setsid /bin/sleep 1000 & echo up $!; ";

}  // namespace

TEST(supervisor_continues_what_is_stopped_when_it_asks_it_to_end) {
  SupervisorFixture supervisor(false);
  AgentSide agent(supervisor.root());
  LogFile log;
  CHECK_EQ(spawn(agent, log, "a.1", sh("echo up $$; kill -STOP $$; sleep 1000")).verb(), "OK");
  const int pid = std::stoi(pid_in(log));
  while (read_stat(pid) && read_stat(pid)->state != 'T') ::sched_yield();
  signal(agent, "a.1", SIGINT, "group");
  const int status = static_cast<int>(agent.exited("a.1").number_or("status", 0));
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}

TEST(supervisor_ends_with_its_run_what_has_hidden_from_it) {
  SupervisorFixture supervisor(false);
  AgentSide agent(supervisor.root());
  LogFile log;
  CHECK_EQ(spawn(agent, log, "a.1", sh(std::string(kHidden) + "exec sleep 1000")).verb(), "OK");
  const std::string pid = pid_in(log);
  signal(agent, "a.1", SIGINT, "group");
  const Line exited = agent.exited("a.1");
  // By the name that it had when it was seen: it may not have executed all of its programs yet.
  CHECK_EQ(field(exited, "survivor").substr(0, pid.size() + 1), pid + ":");
  signal(agent, "a.1", SIGKILL, "tree");
  CHECK_EQ(field(agent.wait_for("EMPTY"), "instance"), "a.1");
  CHECK(!read_stat(std::stoi(pid)) || !read_stat(std::stoi(pid))->alive());
}

TEST(supervisor_ends_with_its_run_what_has_left_its_cgroup) {
  SupervisorFixture supervisor(true);
  AgentSide agent(supervisor.root());
  if (agent.wait_for("SUPERVISOR").number_or("cgroups", 0) == 0) return;
  LogFile log;
  const Line begun =
      spawn(agent, log, "a.1", sh("/bin/sleep 1000 & echo up $!; exec /bin/sleep 1000"));
  const std::string pid = pid_in(log);
  const std::string parent = field(begun, "cgroup") + "/../..";
  const Fd procs(::open((parent + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  if (::write(procs.get(), pid.data(), pid.size()) < 0) return;  // not ours to move
  signal(agent, "a.1", SIGINT, "group");
  CHECK_EQ(agent.exited("a.1").number_or("left", 0), 1);
  signal(agent, "a.1", SIGKILL, "tree");
  CHECK_EQ(field(agent.wait_for("EMPTY"), "instance"), "a.1");
  CHECK(!read_stat(std::stoi(pid)) || !read_stat(std::stoi(pid))->alive());
}

TEST(supervisor_names_and_spares_what_belongs_to_no_run) {
  SupervisorFixture supervisor(false);
  AgentSide agent(supervisor.root());
  LogFile log;
  // Nobody has had time to see whose it is.
  CHECK_EQ(spawn(agent, log, "a.1", sh(std::string(kHidden) + "exit 0")).verb(), "OK");
  const std::string pid = pid_in(log);
  const Line exited = agent.exited("a.1");
  if (exited.number_or("left", 0) > 0) return;  // it was seen after all
  CHECK_EQ(field(agent.wait_for("ORPHANS"), "orphan").substr(0, pid.size()), pid);
  agent.send("ACK seq=" + field(exited, "seq") + "\nSTOP-ALL id=all\n");
  const Line stopped = agent.answer("all");
  CHECK_EQ(stopped.verb(), "OK");
  CHECK_EQ(field(stopped, "orphan").substr(0, pid.size() + 1), pid + ":");
  const auto left = read_stat(std::stoi(pid));
  CHECK(left && left->alive());
  if (left) signal_process(left->pid, left->start, SIGKILL);
}
