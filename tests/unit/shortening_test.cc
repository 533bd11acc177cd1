// The journal replaced by a shorter one while records go on coming: loop, threads and files are
// the real ones.
#include "master/io/shortening.h"

#include <sys/stat.h>

#include "common/io/files.h"
#include "common/io/journal_log.h"
#include "common/io/remove_tree.h"
#include "master/core/effects.h"
#include "tests/unit/check.h"

using namespace dm;
using namespace dm::master;

namespace {

std::string print(const State& state) {
  std::string text;
  for (const Line& record : snapshot(state)) text += record.print();
  return text;
}

Line worker(int number, int id) {
  return Line("WORKER").add("name", "w" + std::to_string(number)).add("id", id);
}

// A journal of many workers, each of whom changes its id while the journal is shortened.
class Scene {
 public:
  explicit Scene(int workers) : workers_(workers) {
    char name[] = "/tmp/dm-shortening-XXXXXX";
    directory_ = ::mkdtemp(name);
    std::string notice;
    auto opened = JournalFile::open(
        directory_, "master", [](const Line&, std::int64_t) { return Status(); }, &notice);
    journal_ = std::make_unique<JournalFile>(std::move(*opened));
    commits_ = std::make_unique<CommitQueue<Effect, Append>>(
        std::make_unique<JournalLog>(*journal_, jobs_), [this](Effect&) { ++performed_; },
        [this](const Error& error) { failure_ = error.message; });
    Shortening::Parts parts{jobs_, *journal_, state_, {}, {}, {}, {}, {}};
    parts.hold = [this](Task task) { commits_->hold(std::move(task)); };
    parts.release = [this] { commits_->release(); };
    parts.save = [this](const JournalRewrite&) { return saves_; };
    parts.on_done = [this](const Status& done) { ended_ = done ? "done" : done.error().message; };
    parts.on_lost = [this](const Error& error) { failure_ = error.message; };
    shortening_ = std::make_unique<Shortening>(std::move(parts));
    for (int i = 0; i < workers; ++i) record(worker(i, 0));
  }
  ~Scene() { (void)remove_tree(directory_); }

  void refuse_to_save() { saves_ = fail(Code::kNoSpace, "no room to save"); }
  const std::string& directory() const { return directory_; }

  // Records come all the while; ends once it has ended and everything is performed.
  void shorten() {
    shortening_->begin();
    change();
    loop_.run();
  }

  // What a new process would read.
  std::string read() const {
    State state;
    const auto text = read_file(directory_ + "/journal");
    const JournalScan scan = scan_journal(
        *text, "master", [&](const Line& line, std::int64_t) { return state.apply(line); });
    CHECK(scan.outcome == JournalScan::Outcome::kWhole);
    CHECK_EQ(scan.next_seq, journal_->next_seq());
    CHECK_EQ(scan.good_bytes, journal_->size());
    CHECK_EQ(scan.tail_bytes, journal_->tail_bytes());
    return print(state);
  }
  std::string state() const { return print(state_); }
  const std::string& ended() const { return ended_; }
  const std::string& failure() const { return failure_; }
  std::int64_t size() const { return journal_->size(); }
  int submitted() const { return submitted_; }
  int performed() const { return performed_; }

 private:
  void record(const Line& line) {
    (void)state_.apply(line);
    std::vector<Effect> effects;
    effects.emplace_back(Append{line, submitted_ % 3 == 0});
    effects.emplace_back(Say{"x"});
    ++submitted_;
    commits_->submit(std::move(effects));
  }

  // One event a round.
  void change() {
    if (!shortening_->is_running() && commits_->is_idle()) return loop_.stop(0);
    if (shortening_->is_running()) record(worker(submitted_ * 7 % workers_, submitted_));
    loop_.post([this] { change(); });
  }

  int workers_;
  std::string directory_;
  Loop loop_;
  Jobs jobs_{loop_, 8};
  State state_;
  std::unique_ptr<JournalFile> journal_;
  std::unique_ptr<CommitQueue<Effect, Append>> commits_;
  std::unique_ptr<Shortening> shortening_;
  Status saves_;
  std::string ended_, failure_;
  int submitted_ = 0, performed_ = 0;
};

}  // namespace

TEST(shortening_loses_nothing_that_comes_meanwhile) {
  for (int workers : {1, 250, 3000}) {
    Scene scene(workers);
    for (int round = 0; round < 3; ++round) {
      scene.shorten();
      CHECK_EQ(scene.ended(), "done");
      CHECK_EQ(scene.failure(), "");
      CHECK(scene.read() == scene.state());
      CHECK_EQ(scene.performed(), scene.submitted());
    }
    CHECK(scene.submitted() > workers + 3);
  }
}

TEST(shortening_that_fails_leaves_the_old_journal_at_work) {
  Scene scene(500);
  // Where the new one would be written stands something else.
  CHECK_EQ(::mkdir((scene.directory() + "/journal.tmp").c_str(), 0700), 0);
  scene.shorten();
  CHECK(scene.ended().find("journal.tmp") != std::string::npos);
  CHECK(scene.read() == scene.state());
  CHECK_EQ(scene.performed(), scene.submitted());
  CHECK_EQ(::rmdir((scene.directory() + "/journal.tmp").c_str()), 0);
  scene.refuse_to_save();
  scene.shorten();
  CHECK_EQ(scene.ended(), "no room to save");
  CHECK(scene.read() == scene.state());
  struct stat info {};
  CHECK(::stat((scene.directory() + "/journal.tmp").c_str(), &info) != 0);
  CHECK_EQ(scene.failure(), "");
}
