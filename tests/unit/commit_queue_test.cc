// Effects and the records in front of them: loop, thread and file are the real ones.
#include "common/io/journal_log.h"

#include "common/io/files.h"
#include "master/core/effects.h"
#include "tests/unit/check.h"
#include "tests/unit/temp_directory.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

struct Scene {
  Scene() {
    std::string notice;
    auto opened = JournalFile::open(
        directory.path(), "master", [](const Line&, std::int64_t) { return Status(); }, &notice);
    if (opened) journal.emplace(std::move(*opened));
    commits.emplace(
        std::make_unique<JournalLog>(*journal, jobs),
        [this](Effect& effect) { perform(std::get<Say>(effect).text); }, [](const Error&) {});
  }
  // What the journal held at that moment.
  void perform(const std::string& name) {
    const std::string text = read_file(directory.path() + "/journal").value();
    seen +=
        name + (text.find("name=" + name + " ") != std::string::npos ? " is kept; " : " is lost; ");
    if (name == "last") loop.stop(0);
  }
  void submit(const std::string& name, bool lazy) {
    Append append{Line("WORKER").add("name", name)};
    append.lazy = lazy;
    std::vector<Effect> effects;
    effects.emplace_back(std::move(append));
    effects.emplace_back(Say{name});
    commits->submit(std::move(effects));
  }

  TempDirectory directory;
  Loop loop;
  Jobs jobs{loop, 1};
  std::optional<JournalFile> journal;
  std::optional<CommitQueue<Effect, Append>> commits;
  std::string seen;
};

}  // namespace

TEST(commit_queue_performs_nothing_whose_record_is_not_in_the_journal) {
  for (const bool lazy : {false, true}) {
    Scene scene;
    scene.submit("first", lazy);
    scene.submit("second", false);
    scene.submit("last", lazy);
    CHECK_EQ(scene.loop.run(), 0);
    CHECK_EQ(scene.seen, "first is kept; second is kept; last is kept; ");
  }
}
