// CLEAR: what an app made as its own user is removed by that user.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/files.h"
#include "tests/unit/as_nobody.h"
#include "tests/unit/check.h"
#include "tests/unit/supervisor_fixture.h"
#include "tests/unit/temp_directory.h"

using namespace dm;
using namespace dm::supervisor;
using namespace dm::test;

namespace {

Fd open_directory(const std::string& path) {
  return Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

}  // namespace

TEST(supervisor_clears_a_directory_as_the_apps_user) {
  if (::geteuid() != 0) return;  // nobody else can change users
  SupervisorFixture supervisor(false, {"nobody"});
  AgentSide agent(supervisor.root());
  const TempDirectory temp;
  const std::string theirs = temp.path() + "/theirs";
  REQUIRE(make_directories(theirs + "/deep/deeper"));
  REQUIRE(replace_file(theirs + "/deep/deeper/file", "x", 0600));
  for (const char* name : {"", "/deep", "/deep/deeper", "/deep/deeper/file"})
    REQUIRE(::chown((theirs + name).c_str(), kNobody, kNobody) == 0);
  REQUIRE(::chmod((theirs + "/deep").c_str(), 0) == 0);
  agent.send("CLEAR id=1 user=nobody\n", {open_directory(theirs).get()});
  CHECK_EQ(agent.answer("1").verb(), "OK");
  CHECK(::rmdir(theirs.c_str()) == 0);
  // What is not that user's stays, and is told.
  const std::string ours = temp.path() + "/ours";
  REQUIRE(make_directories(ours + "/deep"));
  agent.send("CLEAR id=2 user=nobody\n", {open_directory(ours).get()});
  const Line denied = agent.answer("2");
  CHECK_EQ(field(denied, "code"), "denied");
  CHECK(field(denied, "msg").ends_with("Permission denied"));
  CHECK(::access((ours + "/deep").c_str(), F_OK) == 0);
}

TEST(supervisor_clears_nothing_else) {
  SupervisorFixture supervisor(
      false, ::geteuid() == 0 ? std::vector<std::string>{"nobody"} : std::vector<std::string>{});
  AgentSide agent(supervisor.root());
  const TempDirectory temp;
  REQUIRE(replace_file(temp.path() + "/file", "x"));
  agent.send("CLEAR id=1 user=daemon\n", {open_directory(temp.path()).get()});
  CHECK_EQ(field(agent.answer("1"), "code"), "denied");
  if (::geteuid() != 0) return;
  agent.send("CLEAR id=2 user=nobody\n");
  CHECK_EQ(field(agent.answer("2"), "code"), "bad-arg");
  const Fd file(::open((temp.path() + "/file").c_str(), O_RDONLY | O_CLOEXEC));
  agent.send("CLEAR id=3 user=nobody\n", {file.get()});
  CHECK_EQ(field(agent.answer("3"), "code"), "bad-arg");
  const Fd place(::open(temp.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  agent.send("CLEAR id=4 user=nobody\n", {place.get()});
  CHECK_EQ(field(agent.answer("4"), "code"), "bad-arg");
}
