#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <iterator>

#include "common/io/system.h"
#include "tests/unit/check.h"
#include "tests/unit/supervisor_fixture.h"
#include "worker/io/proc.h"
#include "worker/supervisor/supervisor.h"

using namespace dm;
using namespace dm::worker;
using namespace dm::supervisor;
using namespace dm::test;

// Trees are judged by their log: it ends when no process of them is left.

namespace {

std::vector<std::string> sh(const std::string& script) {
  return {"/bin/sh", "-c", script};
}

std::string signal_line(const std::string& id, const std::string& instance, int signal,
                        const std::string& to) {
  Line line("SIGNAL");
  line.add("id", id).add("instance", instance).add("run", 1);
  return line.add("signal", signal).add("to", to).print();
}

bool has_cgroups(AgentSide& agent) {
  return agent.wait_for("SUPERVISOR").number_or("cgroups", 0) == 1;
}

// Every way out of a tree that an app may try, and then "up".
constexpr char kEscapes[] =
    "setsid sleep 1000 & (setsid sleep 1000 &) ; (sleep 1000 &) ; "
    "setsid sh -c 'setsid sh -c \"sleep 1000 & sleep 1000\" & sleep 1000' & "
    "env -i /bin/sleep 1000 & "
    "sleep 0.01; ";  // only so that most of them have moved; the promise holds either way

}  // namespace

TEST(supervisor_kills_the_whole_tree) {
  for (bool use_cgroups : {true, false}) {
    SupervisorFixture supervisor(use_cgroups);
    AgentSide agent(supervisor.root());
    LogFile log, other;
    CHECK_EQ(spawn(agent, other, "a.2", sh("setsid sleep 1000 & echo up; sleep 1000")).verb(),
             "OK");
    CHECK_EQ(spawn(agent, log, "a.1", sh(std::string(kEscapes) + "echo up; sleep 1000")).verb(),
             "OK");
    CHECK(log.read_until("up"));
    CHECK(other.read_until("up"));
    agent.send(signal_line("k", "a.1", SIGKILL, "tree"));
    CHECK_EQ(agent.answer("k").verb(), "OK");
    const Line exited = agent.exited("a.1");
    CHECK_EQ(WTERMSIG(static_cast<int>(exited.number_or("status", 0))), SIGKILL);
    CHECK(log.read_until(""));
    if (exited.number_or("left", 0) > 0) CHECK_EQ(field(agent.wait_for("EMPTY"), "run"), "1");
    agent.send(signal_line("k2", "a.1", SIGKILL, "tree"));
    CHECK_EQ(field(agent.answer("k2"), "code"), "not-found");
    // The neighbour lives.
    agent.send(signal_line("k3", "a.2", SIGCONT, "tree"));
    CHECK_EQ(agent.answer("k3").verb(), "OK");
  }
}

TEST(supervisor_kills_a_tree_that_forks_all_the_time) {
  for (bool use_cgroups : {true, false}) {
    SupervisorFixture supervisor(use_cgroups);
    AgentSide agent(supervisor.root());
    LogFile log;
    // Twenty sessions whose children come and go quicker than anybody can list them.
    const std::string script =
        "n=0; while [ $n -lt 20 ]; do (setsid sh -c 'while :; do (:) & wait; done' &); "
        "n=$((n+1)); done; echo up; sleep 1000";
    CHECK_EQ(spawn(agent, log, "a.1", sh(script)).verb(), "OK");
    CHECK(log.read_until("up"));
    agent.send(signal_line("k", "a.1", SIGKILL, "tree"));
    CHECK_EQ(agent.answer("k").verb(), "OK");
    CHECK(log.read_until(""));
  }
}

TEST(supervisor_names_survivors_and_tells_when_they_are_gone) {
  for (bool use_cgroups : {true, false}) {
    SupervisorFixture supervisor(use_cgroups);
    AgentSide agent(supervisor.root());
    LogFile log;
    CHECK_EQ(spawn(agent, log, "a.1", sh("setsid sleep 1000 & echo up $!; exit 0")).verb(), "OK");
    CHECK(log.read_until("\n"));
    const std::string pid = log.got.substr(3, log.got.size() - 4);
    const Line exited = agent.exited("a.1");
    CHECK_EQ(exited.number_or("left", 0), 1);
    const std::string survivor = field(exited, "survivor");
    CHECK_EQ(survivor.substr(0, survivor.find(':')), pid);
    // Acknowledged or not, the tree is known until it is empty.
    agent.send("ACK seq=" + field(exited, "seq") + "\n");
    agent.send(signal_line("g", "a.1", SIGTERM, "group"));
    CHECK_EQ(field(agent.answer("g"), "code"), "not-found");
    AgentSide next(supervisor.root());
    CHECK_EQ(next.exited("a.1").number_or("left", 0), 1);
    next.send(signal_line("t", "a.1", SIGTERM, "tree"));
    CHECK_EQ(next.answer("t").verb(), "OK");
    CHECK_EQ(field(next.wait_for("EMPTY"), "instance"), "a.1");
    next.send(signal_line("t2", "a.1", SIGTERM, "tree"));
    CHECK_EQ(field(next.answer("t2"), "code"), "not-found");
  }
}

TEST(supervisor_gives_a_new_run_a_tree_of_its_own) {
  for (bool use_cgroups : {true, false}) {
    SupervisorFixture supervisor(use_cgroups);
    AgentSide agent(supervisor.root());
    LogFile old_log, new_log;
    CHECK_EQ(spawn(agent, old_log, "a.1", sh("setsid sleep 1000 & echo up; exit 0")).verb(), "OK");
    CHECK_EQ(agent.exited("a.1").number_or("left", 0), 1);
    // Its orphan differs from that of the first run by the number of the run alone.
    const std::string script =
        "(setsid sh -c 'trap \"echo alive\" USR1; echo up; while :; do sleep 0.01; done' &) ; "
        "sleep 1000";
    CHECK_EQ(spawn(agent, new_log, "a.1", sh(script), "", 2).verb(), "OK");
    CHECK(new_log.read_until("up"));
    agent.send(signal_line("k", "a.1", SIGKILL, "tree"));
    CHECK_EQ(agent.answer("k").verb(), "OK");
    CHECK(old_log.read_until(""));
    agent.send("SIGNAL id=s instance=a.1 run=2 signal=10 to=tree\n");
    CHECK_EQ(agent.answer("s").verb(), "OK");
    CHECK(new_log.read_until("alive"));
  }
}

TEST(supervisor_kill_of_a_run_does_not_reach_the_next_one) {
  for (bool use_cgroups : {true, false}) {
    SupervisorFixture supervisor(use_cgroups);
    AgentSide agent(supervisor.root());
    LogFile first, second;
    CHECK_EQ(spawn(agent, first, "a.1", {"/bin/sleep", "1000"}).verb(), "OK");
    agent.send(signal_line("k", "a.1", SIGKILL, "tree"));
    agent.send("ACK seq=" + field(agent.exited("a.1"), "seq") + "\n");
    // It lives in the same cgroup, and for longer than a kill waits before it looks again.
    CHECK_EQ(spawn(agent, second, "a.1", sh("sleep 0.3; exit 5"), "", 2).verb(), "OK");
    CHECK_EQ(agent.exited("a.1").number_or("status", 0), 5 << 8);
  }
}

TEST(supervisor_ends_a_run_whose_lease_is_over) {
  for (bool use_cgroups : {true, false}) {
    SupervisorFixture supervisor(use_cgroups);
    AgentSide agent(supervisor.root());
    LogFile log, late, renewed;
    const std::int64_t now = read_clock().mono_ms;
    const auto until = [&](std::int64_t ms) {
      return "lease_until_ms=" + std::to_string(now + ms);
    };
    CHECK_EQ(field(spawn(agent, late, "a.3", {"/bin/sleep", "1000"}, until(-1)), "code"), "busy");
    CHECK_EQ(spawn(agent, log, "a.1", sh("setsid sleep 1000 & sleep 1000"), until(300)).verb(),
             "OK");
    CHECK_EQ(spawn(agent, renewed, "a.2", {"/bin/sleep", "1000"}, until(300)).verb(), "OK");
    agent.send("LEASE instance=a.2 run=1 until_ms=" + std::to_string(now + 1'000'000) + "\n");
    const Line exited = agent.exited("a.1");
    CHECK_EQ(WTERMSIG(static_cast<int>(exited.number_or("status", 0))), SIGKILL);
    CHECK_EQ(exited.number_or("lease_over", 0), 1);
    CHECK(log.read_until(""));
    agent.send(signal_line("s", "a.2", SIGCONT, "tree"));
    CHECK_EQ(agent.answer("s").verb(), "OK");
  }
}

TEST(supervisor_takes_what_has_a_lease_with_it) {
  SupervisorFixture supervisor;
  AgentSide agent(supervisor.root());
  LogFile log;
  const std::int64_t until = read_clock().mono_ms + 1'000'000;
  const std::string lease = "lease_until_ms=" + std::to_string(until);
  CHECK_EQ(spawn(agent, log, "a.1", {"/bin/sleep", "1000"}, lease).verb(), "OK");
  CHECK_EQ(::kill(supervisor.pid(), SIGKILL), 0);
  CHECK(log.read_until(""));
}

TEST(supervisor_makes_and_removes_cgroups) {
  SupervisorFixture supervisor;
  std::string path;
  {
    AgentSide agent(supervisor.root());
    if (!has_cgroups(agent)) return;
    LogFile log;
    const Line ok = spawn(agent, log, "a.1", sh("echo up; sleep 1000"));
    path = field(ok, "cgroup");
    CHECK(path.ends_with("/a.1"));
    const auto pids = read_cgroup_procs(path);
    CHECK_EQ(pids.empty() ? 0 : pids.front(), ok.number_or("pid", -1));
    CHECK(cgroup_populated(path) == true);
    CHECK(read_cgroup_usage(path).has_value());
  }
  supervisor.cut_tether();
  CHECK(supervisor.wait_for_end() == 0);
  CHECK(::access(path.c_str(), F_OK) != 0);
  CHECK(::access(path.substr(0, path.rfind('/')).c_str(), F_OK) != 0);
}

TEST(supervisor_stops_everything) {
  for (bool use_cgroups : {true, false}) {
    SupervisorFixture supervisor(use_cgroups);
    AgentSide agent(supervisor.root());
    LogFile polite, stubborn, orphan;
    const std::string wait = "; echo up; while :; do sleep 0.01; done";
    CHECK_EQ(spawn(agent, polite, "a.1", sh("trap 'echo bye; exit 0' INT" + wait)).verb(), "OK");
    CHECK_EQ(
        spawn(agent, stubborn, "a.2", sh("trap '' INT TERM; setsid sleep 1000 &" + wait.substr(1)))
            .verb(),
        "OK");
    CHECK_EQ(spawn(agent, orphan, "a.3",
                   sh("setsid sh -c 'trap \"echo term; exit\" TERM" + wait + "' &"))
                 .verb(),
             "OK");
    CHECK(polite.read_until("up") && stubborn.read_until("up") && orphan.read_until("up"));
    CHECK(agent.exited("a.3").number_or("left", 0) > 0);
    AgentSide other(supervisor.root());
    other.send("STOP-ALL id=s1 timeout_ms=3600000\n");
    CHECK(polite.read_until("bye"));
    CHECK(orphan.read_until("term"));
    LogFile late;
    CHECK_EQ(field(spawn(agent, late, "a.4", {"/bin/true"}), "code"), "busy");
    other.send("STOP-ALL id=s2 timeout_ms=0\n");
    CHECK_EQ(other.answer("s1").verb(), "OK");
    CHECK_EQ(other.answer("s2").verb(), "OK");
    CHECK(polite.read_until("") && stubborn.read_until("") && orphan.read_until(""));
    // The agent was not replaced: it hears everything to the end.
    const Line end = agent.exited("a.1");
    CHECK_EQ(end.number_or("status", -1), 0);
    CHECK(end.has("all_stopped"));
    CHECK_EQ(WTERMSIG(static_cast<int>(agent.exited("a.2").number_or("status", 0))), SIGKILL);
    CHECK_EQ(agent.wait_for("ENDING").verb(), "ENDING");
    CHECK(supervisor.wait_for_end() == 0);
  }
}

TEST(supervisor_kills_everything_when_the_tether_ends) {
  for (bool use_cgroups : {true, false}) {
    SupervisorFixture supervisor(use_cgroups);
    AgentSide agent(supervisor.root());
    LogFile log, other;
    CHECK_EQ(spawn(agent, log, "a.1", sh(std::string(kEscapes) + "echo up; sleep 1000")).verb(),
             "OK");
    CHECK_EQ(spawn(agent, other, "a.2", sh("trap '' INT TERM; echo up; sleep 1000")).verb(), "OK");
    CHECK(log.read_until("up") && other.read_until("up"));
    supervisor.cut_tether();
    CHECK(log.read_until("") && other.read_until(""));
    CHECK(supervisor.wait_for_end() == 0);
  }
}

TEST(supervisor_switches_to_the_app_user_only) {
  const passwd* nobody = ::getpwnam("nobody");
  if (::geteuid() != 0 || nobody == nullptr || nobody->pw_gid == 0) return;
  const std::string uid = std::to_string(nobody->pw_uid), gid = std::to_string(nobody->pw_gid);
  SupervisorFixture supervisor(true, {"nobody", "daemon"});
  AgentSide agent(supervisor.root());
  LogFile log;
  CHECK_EQ(spawn(agent, log, "a.1", {"/bin/cat", "/proc/self/status"}).verb(), "OK");
  CHECK(log.read_until(""));
  const auto line_of = [&](const std::string& name) {
    const std::size_t at = log.got.find(name + ":");
    return log.got.substr(at, log.got.find('\n', at) - at);
  };
  CHECK_EQ(line_of("Uid"), "Uid:\t" + uid + "\t" + uid + "\t" + uid + "\t" + uid);
  CHECK_EQ(line_of("Gid"), "Gid:\t" + gid + "\t" + gid + "\t" + gid + "\t" + gid);
  CHECK_EQ(line_of("Groups"), "Groups:\t" + gid + " ");
  CHECK_EQ(line_of("NoNewPrivs"), "NoNewPrivs:\t1");
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
    CHECK_EQ(line_of(set), std::string(set) + ":\t0000000000000000");
  LogFile second, denied, hidden;
  CHECK_EQ(spawn(agent, second, "a.2", {"/usr/bin/id", "-un"}, "user=daemon").verb(), "OK");
  CHECK(second.read_until(""));
  CHECK_EQ(second.got, "daemon\n");
  CHECK_EQ(field(spawn(agent, denied, "a.3", {"/bin/true"}, "user=root"), "code"), "denied");
  // The directory is entered with the app's rights, not with ours.
  ::chmod(supervisor.root().c_str(), 0700);
  CHECK_EQ(field(spawn(agent, hidden, "a.4", {"/bin/true"}, "cwd=" + supervisor.root()), "msg"),
           "chdir " + supervisor.root() + ": Permission denied");
}

// As systemd's RestrictNamespaces= does it.
void take_clone3_away() {
  sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{std::size(steps), steps};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

TEST(supervisor_puts_a_run_into_its_cgroup_without_clone3) {
  SupervisorFixture usual, without(true, {}, &take_clone3_away);
  std::string names[2];
  int i = 0;
  for (const SupervisorFixture* supervisor : {&usual, &without}) {
    AgentSide agent(supervisor->root());
    LogFile log;
    const Line ok = spawn(agent, log, "a.1",
                          {"/bin/sh", "-c", "grep ^0:: /proc/self/cgroup; echo up; sleep 1000"});
    const std::string cgroup = field(ok, "cgroup");
    CHECK(log.read_until("up\n"));
    const bool is_inside = log.got.find("/a.1\n") != std::string::npos;
    CHECK_EQ(is_inside, !cgroup.empty());
    names[i++] = cgroup.substr(cgroup.rfind('/') + 1);
  }
  CHECK_EQ(names[0], names[1]);
}

TEST(supervisor_does_not_begin_with_a_user_that_is_none_or_root) {
  if (::geteuid() != 0) return;
  SupervisorFixture root_as_app(true, {"root"});
  CHECK_EQ(root_as_app.ready(), "error: user root is the superuser\n");
  CHECK(root_as_app.wait_for_end() == 111);
  SupervisorFixture unknown(true, {"no-such-user"});
  CHECK_EQ(unknown.ready(), "error: no user named no-such-user\n");
  CHECK(unknown.wait_for_end() == 111);
}

TEST(supervisor_lets_no_other_user_in) {
  if (::geteuid() != 0) return;
  SupervisorFixture supervisor;
  const std::string socket = supervisor.root() + "/supervisor.sock";
  struct stat info {};
  CHECK(::stat(socket.c_str(), &info) == 0 && (info.st_mode & 0777) == 0600);
  // Even where the file's mode would let it in.
  ::chmod(socket.c_str(), 0666);
  ::chmod(supervisor.root().c_str(), 0755);
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::setuid(65534) != 0) ::_exit(2);
    AgentSide stranger(supervisor.root());
    const Line refusal = stranger.wait_for("ERR");
    ::_exit(field(refusal, "code") == "denied" && stranger.wait_for_end() ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK_EQ(status, 0);
}

TEST(supervisor_reads_a_process_as_the_kernel_shows_it) {
  const auto self = read_stat(::getpid());
  REQUIRE(self.has_value());
  CHECK_EQ(self->pid, ::getpid());
  CHECK_EQ(self->ppid, ::getppid());
  CHECK(self->alive());
  CHECK(self->rss_pages > 0);
  CHECK(!read_stat(0).has_value());
  bool found = false;
  for (const ProcStat& process : all_processes())
    found = found || (process.pid == self->pid && process.start == self->start);
  CHECK(found);
  CHECK(!signal_process(::getpid(), self->start + 1, SIGKILL));
  CHECK(signal_process(::getpid(), self->start, 0));
  CHECK_EQ(boot_id().size(), 36U);
}
