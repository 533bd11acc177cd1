// Which file a supervisor executes in its own place, and what it hands over.
#include "worker/supervisor/upgrade.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/check.h"
#include "tests/unit/supervisor_fixture.h"

using namespace dm;
using namespace dm::supervisor;
using namespace dm::test;

namespace {

// A directory with a program in it.
struct Place {
  Place() {
    char name[] = "/tmp/dm-upgrade-test-XXXXXX";
    dir = ::mkdtemp(name);
    ::mkdir((dir + "/bin").c_str(), 0755);
    program = dir + "/bin/program";
    std::ofstream(program) << "new";
    ::chmod(program.c_str(), 0755);
  }
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(dir, ignored);
  }
  // Why it is refused; empty if it is not.
  std::string refusal() const {
    const auto opened = open_upgrade(program);
    return opened ? "" : std::string(word(opened.error().code)) + " " + opened.error().message;
  }
  std::string dir, program;
};

}  // namespace

TEST(upgrade_takes_a_file_that_nobody_else_can_change) {
  const Place place;
  CHECK_EQ(place.refusal(), "");
  ::chmod(place.program.c_str(), 0500);
  CHECK_EQ(place.refusal(), "");
}

TEST(upgrade_refuses_what_others_may_write) {
  const Place place;
  for (const mode_t mode : {0775U, 0757U, 0777U}) {
    ::chmod(place.program.c_str(), mode);
    CHECK_EQ(place.refusal(), "denied " + place.program + " may be written by others");
  }
  ::chmod(place.program.c_str(), 0755);
  // Nor what others may put in its place, at any level.
  ::chmod((place.dir + "/bin").c_str(), 0775);
  CHECK_EQ(place.refusal(), "denied " + place.dir + "/bin may be written by others");
  ::chmod((place.dir + "/bin").c_str(), 0755);
  ::chmod(place.dir.c_str(), 0757);
  CHECK_EQ(place.refusal(), "denied " + place.dir + " may be written by others");
  // In a sticky directory nobody replaces what is not his.
  ::chmod(place.dir.c_str(), 01777);
  CHECK_EQ(place.refusal(), "");
}

TEST(upgrade_refuses_the_file_or_directory_of_another_user) {
  if (::geteuid() != 0) return;
  const Place place;
  CHECK_EQ(::chown(place.program.c_str(), 65534, 0), 0);
  CHECK_EQ(place.refusal(), "denied " + place.program + " belongs to another user");
  CHECK_EQ(::chown(place.program.c_str(), 0, 65534), 0);
  CHECK_EQ(place.refusal(), "");
  CHECK_EQ(::chown((place.dir + "/bin").c_str(), 65534, 0), 0);
  CHECK_EQ(place.refusal(), "denied " + place.dir + "/bin belongs to another user");
}

TEST(upgrade_follows_no_link_and_takes_programs_only) {
  const Place place;
  ::chmod(place.program.c_str(), 04755);
  CHECK_EQ(place.refusal(), "denied " + place.program + " is no ordinary program");
  ::chmod(place.program.c_str(), 0755);
  const std::string real = place.dir + "/real";
  std::filesystem::rename(place.program, real);
  CHECK(place.refusal().find("No such file or directory") != std::string::npos);
  std::filesystem::create_symlink(real, place.program);
  CHECK(place.refusal().starts_with("internal open "));
  ::unlink(place.program.c_str());
  ::mkfifo(place.program.c_str(), 0700);
  CHECK_EQ(place.refusal(), "denied " + place.program + " is no ordinary program");
  ::unlink(place.program.c_str());
  ::rmdir((place.dir + "/bin").c_str());
  std::filesystem::create_directory_symlink(place.dir, place.dir + "/bin");
  CHECK(!open_upgrade(place.dir + "/bin/real").has_value());
  CHECK(!open_upgrade("").has_value());
  CHECK(!open_upgrade("program").has_value());
}

TEST(upgrade_is_not_one_to_the_file_that_runs) {
  const auto opened = open_upgrade(own_program());
  CHECK(!opened && (opened.error().code == Code::kExists || opened.error().code == Code::kDenied));
}

// No request can name a file: the supervisor here was started from this very program.
TEST(upgrade_refused_leaves_everything_as_it_was) {
  const Place place;
  SupervisorFixture fixture;
  AgentSide agent(fixture.root());
  LogFile log;
  const Line spawned = spawn(agent, log, "web.1", {"/bin/sleep", "1000"});
  agent.send("UPGRADE id=up path=" + place.program + "\n");
  const Line answer = agent.answer("up");
  CHECK_EQ(answer.verb(), "ERR");
  CHECK(field(answer, "code") == "exists" || field(answer, "code") == "denied");
  CHECK(field(answer, "msg").find(place.program) == std::string::npos);
  agent.send("SIGNAL id=kill instance=web.1 run=1 signal=9 to=tree\n");
  CHECK_EQ(field(agent.exited("web.1"), "status"), "9");
}

TEST(upgrade_reads_no_state_but_its_own) {
  char name[] = "/tmp/dm-upgrade-test-XXXXXX";
  const Fd file(::mkstemp(name));
  ::unlink(name);
  const std::string good = "HAND-OVER format=1 agent=5\nNEXT seq=3\nEND lines=1\n";
  const auto read = [&](const std::string& text) {
    CHECK_EQ(::ftruncate(file.get(), 0), 0);
    CHECK_EQ(::pwrite(file.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    return read_hand_over(file.get()).has_value();
  };
  CHECK(read(good));
  for (std::size_t cut = 0; cut < good.size(); ++cut) CHECK(!read(good.substr(0, cut)));
  CHECK(!read("HAND-OVER format=2\nEND lines=0\n"));
  CHECK(!read("NEXT seq=3\nEND lines=0\n"));
  CHECK(!read("HAND-OVER format=1\nNEXT seq=3\nEND lines=2\n"));
}
