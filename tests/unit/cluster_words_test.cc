// What operators are told, and what they are not shown.
#include "common/shell_words.h"
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

// As a viewer's key lets in.
void run_as_viewer(World& world, RequestId request, std::string_view words) {
  world.feed(Command{request,
                     *parse_invocation(*split_words(words)),
                     {"eve", "unix", Role::kViewer},
                     std::nullopt});
}

}  // namespace

TEST(cluster_words_values_and_arguments_are_for_operators) {
  World world = with_web({"w1"});
  const std::string name = world.launch("web", "w1", " --env KEY=secret -- --password hunter2");
  for (const char* words : {"describe web.1", "describe web.1 --json"}) {
    const std::string shown = world.print(words);
    CHECK(shown.find("KEY=secret") != std::string::npos);
    CHECK(shown.find("hunter2") != std::string::npos);
    world.take();
    run_as_viewer(world, 900, words);
    CHECK(world.has("KEY=..."));
    CHECK(!world.has("secret") && !world.has("hunter2"));
  }
  // The trail is for everybody.
  for (const char* words : {"events -n 50", "events -n 50 --json", "history"}) {
    const std::string shown = world.print(words);
    CHECK(shown.find("secret") == std::string::npos && shown.find("hunter2") == std::string::npos);
  }
  CHECK(world.print("events -n 50").find("--env KEY=... -- (2 arguments)") != std::string::npos);
}

TEST(cluster_words_start_of_an_app_takes_those_that_were_stopped) {
  World world = with_web({"w1"});
  for (int i = 0; i < 3; ++i) world.launch("web", "w1");
  world.run("start web");
  CHECK(world.has("ERR not-found no instance of web was stopped by 'stop'"));
  world.run("stop web.1");
  world.answer("w1", "STOP", "OK reason=x");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=0 reason=x");
  world.hear("w1", "EXITED seq=2 instance=web.2 run=1 exit_code=3 reason=exit%20code%203");
  world.take();
  world.run("start web");
  CHECK_EQ(world.count("w1> LAUNCH"), 1);
  CHECK(world.has("instance=web.1"));
}

TEST(cluster_words_say_what_to_do) {
  World world = with_web({"w1"});
  world.launch("web", "w1");
  const struct {
    const char* words;
    const char* answer;
  } cases[] = {
      {"launch ls", "ERR not-found no app named ls; to launch a file give a path: launch ./ls"},
      {"delete web.1",
       "ERR bad-arg web.1 is an instance of web, and delete removes a whole app: 'stop web.1' ends "
       "it"},
      {"ps w9", "ERR not-found no app, instance or worker named w9; did you mean w1?"},
      {"delete web --from rack=r1", "ERR not-found no worker has the label rack=r1"},
  };
  for (const auto& row : cases) {
    world.take();
    world.run(row.words);
    CHECK(world.has(row.answer));
  }
}

TEST(cluster_words_two_files_of_one_name_are_two_apps) {
  World world = with_web({"w1"});
  const auto copy = [&](const std::string& words, const std::string& exe, char version) {
    PackageInfo package;
    package.manifest.app = "my-app";
    package.manifest.exe = exe;
    package.version = std::string(64, version);
    world.take();
    world.feed(Command{950, *parse_invocation(*split_words(words)), {"ann", "unix"}, package});
  };
  copy("copy ./my.app", "my.app", 'a');
  CHECK(!world.has("ERR"));
  world.answer("w1", "PROBE", "ERR code=busy msg=x");
  copy("copy ./my-app", "my-app", 'b');
  CHECK(world.has(
      "ERR exists app my-app is the file my.app; my-app gives the same name: --as my-app makes it "
      "the next version, --as OTHER another app"));
  copy("copy ./my-app --as my-app", "my-app", 'b');
  CHECK(!world.has("ERR exists"));
}

TEST(cluster_words_events_fit_what_waits_for_one_reader) {
  World world = with_web({"w1"});
  const std::string text(4000, 'x');
  for (int i = 0; i < 3000; ++i) world.run("stop nosuch" + text);
  world.take();
  world.run("events -n 100000");
  std::size_t bytes = 0;
  const std::string shown = world.take();
  for (std::size_t at = 0; at < shown.size(); ++at) bytes += shown[at] == 'x';
  CHECK(bytes > 4'000'000 && bytes < 9'000'000);
  CHECK(shown.find("older events are not shown") != std::string::npos);
}
