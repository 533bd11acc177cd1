#include "worker/supervisor/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "tests/unit/check.h"
#include "tests/unit/supervisor_fixture.h"
#include "worker/io/proc.h"

using namespace dm;
using namespace dm::worker;
using namespace dm::supervisor;
using namespace dm::test;

namespace {

int status_of(const Line& exited) {
  return static_cast<int>(exited.number_or("status", -1));
}

// Runs a command line to its end and returns what it wrote.
std::string output_of(AgentSide& agent, const std::string& instance,
                      const std::vector<std::string>& argv, const std::string& more = "") {
  LogFile log;
  const Line answer = spawn(agent, log, instance, argv, more);
  if (answer.verb() != "OK") return answer.print();
  return log.read_until("") ? log.got : "no end of output";
}

std::vector<std::string> sh(const std::string& script) {
  return {"/bin/sh", "-c", script};
}

}  // namespace

TEST(supervisor_greets_and_tells_how_a_run_ended) {
  SupervisorFixture supervisor;
  CHECK_EQ(supervisor.ready(), "ready\n");
  AgentSide agent(supervisor.root());
  const Line greeting = agent.wait_for("SUPERVISOR");
  CHECK_EQ(greeting.number_or("proto", 0), 1);
  CHECK_EQ(greeting.number_or("pid", 0), supervisor.pid());
  CHECK_EQ(field(greeting, "boot"), boot_id());
  CHECK_EQ(agent.wait_for("SYNCED").verb(), "SYNCED");

  LogFile log;
  const Line ok = spawn(agent, log, "a.1", sh("echo out; echo err >&2; exit 3"));
  CHECK_EQ(ok.verb(), "OK");
  const Line exited = agent.exited("a.1");
  CHECK_EQ(exited.number_or("pid", -1), ok.number_or("pid", -2));
  CHECK_EQ(exited.number_or("start", -1), ok.number_or("start", -2));
  CHECK_EQ(exited.number_or("started_ms", -1), ok.number_or("started_ms", -2));
  CHECK(exited.number_or("ended_ms", 0) >= exited.number_or("started_ms", 1));
  CHECK_EQ(exited.number_or("run", 0), 1);
  CHECK_EQ(exited.number_or("left", -1), 0);
  CHECK(exited.number_or("max_rss_bytes", 0) > 4096);
  CHECK(WIFEXITED(status_of(exited)) && WEXITSTATUS(status_of(exited)) == 3);
  CHECK(!exited.has("oom_kills"));
  CHECK(log.read_until(""));
  CHECK_EQ(log.got, "out\nerr\n");
}

TEST(supervisor_tells_a_signal_from_an_exit_code) {
  SupervisorFixture supervisor;
  AgentSide agent(supervisor.root());
  LogFile log;
  CHECK_EQ(spawn(agent, log, "a.1", sh("kill -SEGV $$")).verb(), "OK");
  CHECK(WIFSIGNALED(status_of(agent.exited("a.1"))));
  LogFile other;
  CHECK_EQ(spawn(agent, other, "a.2", sh("kill -KILL $$")).verb(), "OK");
  const Line killed = agent.exited("a.2");
  CHECK_EQ(WTERMSIG(status_of(killed)), SIGKILL);
  CHECK_EQ(killed.number_or("oom_kills", -1), 0);
}

TEST(supervisor_says_why_an_exec_failed) {
  SupervisorFixture supervisor;
  AgentSide agent(supervisor.root());
  const std::string text = supervisor.root() + "/text";
  const Fd file(::open(text.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  struct Row {
    std::string path, more, words;
    int error;
  };
  const Row rows[] = {
      {"/nosuch/app", "", "No such file or directory", ENOENT},
      {text, "", "Permission denied", EACCES},
      {"/tmp", "", "Permission denied", EACCES},
      {"/bin/true/x", "", "Not a directory", ENOTDIR},
      {"/bin/true", "cwd=/nosuch", "chdir /nosuch: No such file or directory", ENOENT},
      {"/bin/true", "cwd=/bin/true", "chdir /bin/true: Not a directory", ENOTDIR},
  };
  for (const Row& row : rows) {
    LogFile log;
    const Line answer = spawn(agent, log, "a.1", {row.path}, row.more);
    CHECK_EQ(answer.verb(), "ERR");
    CHECK_EQ(field(answer, "code"), "exec-failed");
    CHECK_EQ(field(answer, "msg"), row.words);
    CHECK_EQ(answer.number_or("errno", 0), row.error);
    CHECK(log.read_until(""));
  }
  // Nothing of it is remembered: the same run may be tried again.
  LogFile log;
  CHECK_EQ(spawn(agent, log, "a.1", {"/bin/true"}).verb(), "OK");
}

TEST(supervisor_refuses_what_it_must_not_do) {
  SupervisorFixture supervisor;
  AgentSide agent(supervisor.root());
  LogFile log;
  CHECK_EQ(field(spawn(agent, log, "a.1", {"/bin/true"}, "user=root"), "code"), "denied");
  LogFile other;
  CHECK_EQ(field(spawn(agent, other, "..", {"/bin/true"}), "code"), "bad-arg");
  agent.send(spawn_line("a.1", 1, {"/bin/true"}));
  CHECK_EQ(field(agent.answer("a.1"), "msg"), "one descriptor must come with it, the log");
  agent.send("NOSUCH id=1\n");
  CHECK_EQ(field(agent.answer("1"), "code"), "unknown-verb");
  agent.send("SIGNAL id=2 instance=a.1 run=1 signal=9 to=tree\n");
  CHECK_EQ(field(agent.answer("2"), "code"), "not-found");
  agent.send("SIGNAL id=3 instance=a.1 run=1 signal=0 to=tree\n");
  CHECK_EQ(field(agent.answer("3"), "code"), "bad-arg");
  agent.send("SIGNAL id=4 instance=a.1 run=1 signal=9 to=all\n");
  CHECK_EQ(field(agent.answer("4"), "code"), "bad-arg");
  agent.send("garbage\n");
  CHECK_EQ(field(agent.wait_for("ERR"), "code"), "bad-line");
  CHECK(agent.wait_for_end());
}

TEST(supervisor_gives_an_app_a_clean_start) {
  SupervisorFixture supervisor(true, {}, [] {
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGQUIT, SIG_IGN);
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    ::umask(0);
    for (int i = 0; i < 20; ++i) (void)::dup(0);
  });
  AgentSide agent(supervisor.root());
  const std::string status = output_of(agent, "a.1", {"/bin/cat", "/proc/self/status"});
  CHECK(status.find("SigIgn:\t0000000000000000") != std::string::npos);
  CHECK(status.find("SigBlk:\t0000000000000000") != std::string::npos);
  CHECK(status.find("Umask:\t0022") != std::string::npos);
  // The fourth is the listing's own.
  CHECK_EQ(output_of(agent, "a.2", {"/bin/ls", "/proc/self/fd"}), "0\n1\n2\n3\n");
  CHECK_EQ(output_of(agent, "a.3", sh("readlink /proc/self/fd/0; pwd; echo $DM_INSTANCE $DM_RUN"),
                     "cwd=/usr"),
           "/dev/null\n/usr\na.3 1\n");
  CHECK_EQ(output_of(agent, "a.4", sh("[ $(cut -d' ' -f6 /proc/$$/stat) = $$ ] && echo leader")),
           "leader\n");
  CHECK_EQ(output_of(agent, "a.5", {"/bin/cat", "/proc/self/oom_score_adj"}), "0\n");
}

TEST(supervisor_restores_the_limit_of_open_files) {
  SupervisorFixture supervisor(true, {}, [] {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 77;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  });
  AgentSide agent(supervisor.root());
  CHECK_EQ(output_of(agent, "a.1", sh("ulimit -n")), "77\n");
}

TEST(supervisor_spawns_a_run_once) {
  SupervisorFixture supervisor;
  AgentSide agent(supervisor.root());
  LogFile log;
  const Line first = spawn(agent, log, "a.1", sh("echo up; exec sleep 1000"), "", 2);
  REQUIRE(first.verb() == "OK");
  LogFile again;
  const Line second = spawn(agent, again, "a.1", sh("echo never"), "", 2);
  CHECK_EQ(second.print(), first.print());
  CHECK(again.read_until(""));
  CHECK_EQ(again.got, "");
  LogFile older;
  CHECK_EQ(field(spawn(agent, older, "a.1", sh("echo never"), "", 1), "code"), "exists");
  LogFile later;
  const Line beside = spawn(agent, later, "a.1", sh("echo never"), "", 3);
  CHECK_EQ(field(beside, "code"), "exists");
  CHECK_EQ(field(beside, "msg"), "run 2 of a.1 lives (pid " + field(first, "pid") + ")");
  agent.send("SIGNAL id=k instance=a.1 run=2 signal=15 to=group\n");
  CHECK_EQ(agent.answer("k").verb(), "OK");
  const Line exited = agent.exited("a.1");
  CHECK_EQ(WTERMSIG(status_of(exited)), SIGTERM);
  LogFile ended;
  CHECK_EQ(spawn(agent, ended, "a.1", sh("echo never"), "", 2).print(), first.print());
  LogFile next;
  CHECK_EQ(spawn(agent, next, "a.1", {"/bin/true"}, "", 3).verb(), "OK");
}

TEST(supervisor_keeps_records_for_the_next_agent) {
  SupervisorFixture supervisor;
  LogFile log, living;
  std::string told;
  {
    AgentSide agent(supervisor.root());
    CHECK_EQ(spawn(agent, living, "a.2", sh("sleep 1000")).verb(), "OK");
    CHECK_EQ(spawn(agent, log, "a.1", sh("exit 7")).verb(), "OK");
    told = agent.exited("a.1").print();
  }
  AgentSide agent(supervisor.root());
  CHECK_EQ(field(agent.wait_for("RUN"), "instance"), "a.2");
  const Line again = agent.exited("a.1");
  CHECK_EQ(again.print(), told);
  agent.send("ACK seq=" + std::string(again.text("seq")) + "\n");
  agent.send("USAGE id=u\n");
  CHECK_EQ(agent.answer("u").number_or("reaped", 0), 1);
  AgentSide third(supervisor.root());
  CHECK_EQ(third.wait_for("SYNCED").verb(), "SYNCED");
  REQUIRE(third.others().size() == 2);
  CHECK_EQ(third.others()[1].verb(), "RUN");
}

TEST(supervisor_serves_the_newest_agent) {
  SupervisorFixture supervisor;
  AgentSide first(supervisor.root());
  first.send("USAGE id=1\n");
  CHECK_EQ(first.answer("1").verb(), "OK");
  AgentSide second(supervisor.root());
  CHECK_EQ(second.wait_for("SYNCED").verb(), "SYNCED");
  second.send("USAGE id=2\n");
  CHECK_EQ(second.answer("2").verb(), "OK");
  CHECK(first.wait_for_end());
}

TEST(supervisor_ends_when_nothing_is_left_to_do) {
  SupervisorFixture supervisor;
  {
    AgentSide agent(supervisor.root());
    LogFile log;
    CHECK_EQ(spawn(agent, log, "a.1", {"/bin/true"}).verb(), "OK");
    const Line exited = agent.exited("a.1");
    agent.send("ACK seq=" + std::string(exited.text("seq")) + "\n");
    agent.send("USAGE id=u\n");
    CHECK_EQ(agent.answer("u").verb(), "OK");
  }
  CHECK(supervisor.wait_for_end() == 0);
  CHECK(::access((supervisor.root() + "/supervisor.sock").c_str(), F_OK) != 0);
}

TEST(supervisor_refuses_a_second_one_on_the_same_root) {
  SupervisorFixture supervisor;
  AgentSide agent(supervisor.root());
  const auto begin_another = [&] {
    const pid_t pid = ::fork();
    if (pid == 0) {
      SupervisorOptions options;
      options.root = supervisor.root();
      ::_exit(run_supervisor(options));
    }
    int status = 0;
    if (::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
  };
  CHECK_EQ(begin_another(), 111);
  AgentSide second(supervisor.root());
  CHECK_EQ(second.wait_for("SYNCED").verb(), "SYNCED");
  // It is the lock that counts, not the socket, which anybody may have removed.
  ::unlink((supervisor.root() + "/supervisor.sock").c_str());
  CHECK_EQ(begin_another(), 111);
}

TEST(supervisor_ignores_what_ends_others) {
  SupervisorFixture supervisor;
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) ::kill(supervisor.pid(), signal);
  AgentSide agent(supervisor.root());
  agent.send("USAGE id=1\n");
  CHECK_EQ(agent.answer("1").verb(), "OK");
}

TEST(supervisor_waits_for_a_file_that_is_being_written) {
  SupervisorFixture supervisor;
  AgentSide agent(supervisor.root());
  const std::string path = supervisor.root() + "/true";
  const auto content = read_small_file("/bin/true", std::size_t{1} << 24);
  REQUIRE(content.has_value());
  Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
  REQUIRE(::write(file.get(), content->data(), content->size()) ==
          static_cast<ssize_t>(content->size()));
  LogFile busy;
  const Line answer = spawn(agent, busy, "a.1", {path});
  CHECK_EQ(field(answer, "msg"), "Text file busy");
  // Each try was a child that has to be reaped.
  std::int64_t tries = 0;
  for (int asked = 0; asked < 100'000 && tries < 10; ++asked) {
    agent.send("USAGE id=u\n");
    tries = agent.answer("u").number_or("reaped", 10);
  }
  CHECK_EQ(tries, 10);
  LogFile log;
  agent.send(spawn_line("a.1", 1, {path}), {log.write_end.get()});
  file.reset();
  CHECK_EQ(agent.answer("a.1").verb(), "OK");
}

TEST(supervisor_reports_five_hundred_quick_exits) {
  for (bool use_cgroups : {true, false}) {
    SupervisorFixture supervisor(use_cgroups);
    AgentSide agent(supervisor.root());
    const LogFile log;
    for (int i = 0; i < 500; ++i)
      agent.send(spawn_line("a." + std::to_string(i), 1, {"/bin/true"}), {log.write_end.get()});
    std::set<std::int64_t> seqs;
    std::string acks;
    for (int i = 0; i < 500; ++i) {
      const Line exited = agent.wait_for("EXITED");
      REQUIRE(exited.verb() == "EXITED");
      CHECK_EQ(status_of(exited), 0);
      CHECK_EQ(exited.number_or("left", -1), 0);
      seqs.insert(exited.number_or("seq", 0));
      acks += "ACK seq=" + std::string(exited.text("seq")) + "\n";
    }
    CHECK_EQ(seqs.size(), 500U);
    agent.send(acks + "USAGE id=u\n");
    CHECK_EQ(agent.answer("u").number_or("reaped", 0), 500);
    const auto children = children_of(supervisor.pid());
    CHECK(!children || children->empty());
    int answered = 0;
    for (const Line& line : agent.others()) answered += line.verb() == "OK" ? 1 : 0;
    CHECK_EQ(answered, 500);
  }
}
