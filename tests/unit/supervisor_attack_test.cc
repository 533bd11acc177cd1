// What a supervisor must stand from whoever has taken the agent's place: every demand beyond its
// rights is refused in words, and it and its apps live on.
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "common/io/beneath.h"
#include "common/io/files.h"
#include "tests/unit/check.h"
#include "tests/unit/supervisor_fixture.h"
#include "tests/unit/temp_directory.h"
#include "worker/io/proc.h"

using namespace dm;
using namespace dm::worker;
using namespace dm::supervisor;
using namespace dm::test;

namespace {

// A supervisor with an app that must outlive the attack.
struct Besieged {
  explicit Besieged(std::vector<std::string> app_users = {})
      : supervisor(true, std::move(app_users)), agent(supervisor.root()) {
    app_pid = spawn(agent, log, "app.1", {"/bin/sleep", "1000"}).number_or("pid", -1);
  }
  // A new agent finds everything as it was.
  bool stands() const {
    AgentSide next(supervisor.root());
    const Line run = next.wait_for("RUN");
    return field(run, "instance") == "app.1" && run.number_or("pid", 0) == app_pid &&
           next.wait_for("SYNCED").verb() == "SYNCED";
  }
  // What a request is refused with: "CODE MESSAGE".
  std::string refusal(const std::string& line, const std::vector<int>& descriptors = {}) {
    agent.send(line, descriptors);
    const Line error = agent.wait_for("ERR");
    return field(error, "code") + " " + field(error, "msg");
  }

  SupervisorFixture supervisor;
  AgentSide agent;
  LogFile log;
  std::int64_t app_pid = 0;
};

std::size_t open_files_of(int pid) {
  const Fd directory(
      ::open(("/proc/" + std::to_string(pid) + "/fd").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return names_in(directory.get()).size();
}

std::string true_line(const std::string& more = "") {
  return spawn_line("evil.1", 1, {"/bin/true"}, more);
}

}  // namespace

TEST(attack_with_users_that_were_not_named) {
  Besieged besieged;
  LogFile log;
  for (const std::string user : {"root", "0", "daemon", "app%20user", "%2e%2e"})
    CHECK(besieged.refusal(true_line("user=" + user), {log.write_end.get()})
              .ends_with(" was not named when the supervisor started"));
  CHECK(besieged.stands());
}

TEST(attack_with_paths_that_only_root_may_use) {
  const passwd* nobody = ::getpwnam("nobody");
  if (::geteuid() != 0 || nobody == nullptr || nobody->pw_gid == 0) return;
  const TempDirectory temp;  // mode 0700, root's
  REQUIRE(replace_file(temp.path() + "/tool", "#!/bin/sh\n", 0700));
  Besieged besieged({"nobody"});
  LogFile log;
  const std::vector<int> fd = {log.write_end.get()};
  CHECK_EQ(besieged.refusal(spawn_line("evil.1", 1, {temp.path() + "/tool"}), fd),
           "exec-failed Permission denied");
  CHECK_EQ(besieged.refusal(true_line("cwd=" + temp.path()), fd),
           "exec-failed chdir " + temp.path() + ": Permission denied");
  // The supervisor's own descriptors are not there for anybody's use.
  const std::string fds = "/proc/" + std::to_string(besieged.supervisor.pid()) + "/fd";
  CHECK_EQ(besieged.refusal(true_line("cwd=" + fds), fd),
           "exec-failed chdir " + fds + ": Permission denied");
  CHECK(besieged.stands());
}

TEST(attack_with_paths_and_names_that_are_none) {
  Besieged besieged;
  LogFile log;
  const std::vector<int> fd = {log.write_end.get()};
  const auto refused = [&](const std::string& fields) {
    return besieged.refusal("SPAWN id=x " + fields + " arg=x env=A=b\n", fd).substr(0, 8);
  };
  CHECK_EQ(refused("instance=evil.1 run=1 path=bin/true cwd=/"), "bad-arg ");
  CHECK_EQ(refused("instance=evil.1 run=1 cwd=/"), "bad-arg ");
  CHECK_EQ(refused("instance=evil.1 run=1 path=/bin/true cwd=.."), "bad-arg ");
  CHECK_EQ(refused("instance=evil.1 run=1 path=/bin/true"), "bad-arg ");
  CHECK_EQ(refused("instance=evil.1 run=0 path=/bin/true cwd=/"), "bad-arg ");
  CHECK_EQ(refused("instance=evil.1 run=-1 path=/bin/true cwd=/"), "bad-arg ");
  for (const std::string name : {"../evil.1", "evil", "evil.", ".1", "evil.1/..", "-evil.1",
                                 "evil.99999999999999999999", "EVIL.1", "evil%0a.1"})
    CHECK_EQ(refused("instance=" + name + " run=1 path=/bin/true cwd=/"), "bad-arg ");
  CHECK_EQ(besieged.refusal("USAGE id=" + std::string(1000, 'i') + "\n"),
           "bad-arg id= has more than 128 bytes");
  CHECK(besieged.stands());
}

TEST(attack_with_descriptors_that_are_no_log) {
  Besieged besieged;
  const TempDirectory temp;
  const std::string path = temp.path() + "/file";
  REQUIRE(replace_file(path, "content") && ::mkfifo((temp.path() + "/fifo").c_str(), 0600) == 0);
  int pipe[2] = {-1, -1}, pair[2] = {-1, -1};
  REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  const Fd ends[] = {Fd(pipe[0]), Fd(pipe[1]), Fd(pair[0]), Fd(pair[1])};
  std::vector<Fd> wrong;
  for (const int flags : {O_WRONLY, O_RDONLY | O_APPEND, O_PATH})
    wrong.emplace_back(::open(path.c_str(), flags | O_CLOEXEC));
  wrong.emplace_back(::open("/dev/null", O_WRONLY | O_APPEND | O_CLOEXEC));
  wrong.emplace_back(::open((temp.path() + "/fifo").c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
  wrong.emplace_back(::open(temp.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (const Fd& end : ends) wrong.emplace_back(::fcntl(end.get(), F_DUPFD_CLOEXEC, 0));
  const std::size_t before = open_files_of(besieged.supervisor.pid());
  for (const Fd& fd : wrong) {
    REQUIRE(fd.valid());
    CHECK_EQ(besieged.refusal(true_line(), {fd.get()}),
             "bad-arg the log must be a regular file open for appending");
  }
  // None, or more than one; and those that nobody asked for.
  LogFile log;
  const int fd = log.write_end.get();
  const std::string one = "bad-arg one descriptor must come with it, the log";
  CHECK_EQ(besieged.refusal(true_line()), one);
  CHECK_EQ(besieged.refusal(true_line(), {fd, fd}), one);
  CHECK_EQ(besieged.refusal(true_line(), std::vector<int>(253, fd)), one);
  CHECK_EQ(besieged.refusal("NOSUCH id=1\n", {fd}), "unknown-verb no verb NOSUCH");
  CHECK_EQ(besieged.refusal(true_line()), one);
  CHECK_EQ(open_files_of(besieged.supervisor.pid()), before);
  CHECK_EQ(spawn(besieged.agent, log, "good.1", {"/bin/true"}).verb(), "OK");
  CHECK(besieged.stands());
}

TEST(attack_with_signals_to_what_it_has_not_started) {
  Besieged besieged;
  const auto refused = [&](const std::string& fields) {
    const std::string words = besieged.refusal("SIGNAL id=s " + fields + "\n");
    return words.substr(0, words.find(' '));
  };
  const std::string own = std::to_string(besieged.supervisor.pid());
  CHECK_EQ(refused("instance=none.1 run=1 signal=9 to=tree"), "not-found");
  CHECK_EQ(refused("instance=app.1 run=2 signal=9 to=group"), "not-found");
  CHECK_EQ(refused("instance=app.1 run=1 signal=0 to=group"), "bad-arg");
  CHECK_EQ(refused("instance=app.1 run=1 signal=-9 to=tree"), "bad-arg");
  CHECK_EQ(refused("instance=app.1 run=1 signal=4096 to=tree"), "bad-arg");
  CHECK_EQ(refused("instance=app.1 run=1 signal=9 to=" + own), "bad-arg");
  CHECK_EQ(refused("instance=app.1 run=1 signal=9 pid=" + own), "bad-arg");
  CHECK_EQ(refused("pid=1 signal=9 to=tree"), "bad-arg");
  CHECK(besieged.stands());
}

TEST(attack_with_lines_that_are_none) {
  const struct {
    std::string bytes, code;
  } kLines[] = {{std::string(70'000, 'A'), "too-long"},
                {"SPAWN id=x arg=" + std::string(70'000, 'x') + "\n", "too-long"},
                {std::string("USAGE id=\0\n", 11), "bad-line"},
                {"USAGE id=%00\n", "bad-line"},
                {"{\"json\": 1}\n", "bad-line"},
                {"\n", "bad-line"},
                {"\x1b[2Jusage\n", "bad-line"}};
  Besieged besieged;
  for (const auto& line : kLines) {
    AgentSide attacker(besieged.supervisor.root());
    attacker.send(line.bytes);
    CHECK_EQ(field(attacker.wait_for("ERR"), "code"), line.code);
    CHECK(attacker.wait_for_end());
  }
  CHECK(besieged.stands());
}

TEST(attack_with_many_half_requests) {
  Besieged besieged;
  LogFile log;
  const int pid = besieged.supervisor.pid();
  std::vector<std::unique_ptr<AgentSide>> crowd;
  for (int i = 0; i < 100; ++i) {
    crowd.push_back(std::make_unique<AgentSide>(besieged.supervisor.root()));
    crowd.back()->send("SPAWN id=half", {log.write_end.get()});
    for (int more = 0; i % 10 == 0 && more < 40; ++more)
      crowd.back()->send(" arg=x", std::vector<int>(200, log.write_end.get()));
  }
  // Eight connections, each with a handful of descriptors; the rest has been shown the door.
  CHECK(besieged.stands());
  CHECK(open_files_of(pid) < 200);
  crowd.clear();
  CHECK(besieged.stands());
}

TEST(attack_by_never_reading) {
  Besieged besieged;
  AgentSide deaf(besieged.supervisor.root());
  std::string questions;
  for (int i = 0; i < 1000; ++i) questions += "USAGE id=u\n";
  // The answers pile up until the supervisor has had enough.
  ssize_t sent = 0;
  for (int i = 0; i < 100'000 && sent >= 0; ++i)
    sent = ::send(deaf.fd(), questions.data(), questions.size(), MSG_NOSIGNAL);
  CHECK_EQ(sent, -1);
  CHECK(besieged.stands());
}

TEST(attack_by_asking_for_the_end_again_and_again) {
  SupervisorFixture supervisor;
  AgentSide agent(supervisor.root());
  LogFile log;
  const std::string stubborn = "trap '' INT; echo up; while :; do sleep 0.01; done";
  CHECK_EQ(spawn(agent, log, "a.1", {"/bin/sh", "-c", stubborn}).verb(), "OK");
  CHECK(log.read_until("up"));
  AgentSide stopper(supervisor.root());
  for (int i = 0; i < 1000; ++i) stopper.send("STOP-ALL id=s timeout_ms=3600000\n");
  CHECK_EQ(field(stopper.wait_for("ERR"), "code"), "busy");
  agent.send("SIGNAL id=k instance=a.1 run=1 signal=9 to=tree\n");
  CHECK_EQ(field(stopper.answer("s"), "code"), "busy");
  CHECK(stopper.wait_for("OK").verb() == "OK");
}
