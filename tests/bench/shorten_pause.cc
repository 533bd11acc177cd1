// usage: dm-bench-shorten [INSTANCES [DIRECTORY]]
// Shortens the journal of a master with so many instances (100,000) while a record comes every
// round of the loop, as it does when apps end, and prints the longest pause of the loop in
// milliseconds: without a shortening, with one, and with the whole snapshot in one piece.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <algorithm>

#include "common/io/files.h"
#include "common/io/journal_log.h"
#include "common/io/remove_tree.h"
#include "master/core/effects.h"
#include "master/io/shortening.h"

namespace {

using namespace dm;
using namespace dm::master;

double now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1000 + static_cast<double>(now.tv_nsec) / 1e6;
}

std::string name_of(int number) {
  return "web." + std::to_string(number);
}

Line ended(int number, int run) {
  Line line("ENDED");
  line.add("instance", name_of(number)).add("run", run).add("pid", 4711).add("started_ms", run);
  line.add("ended_ms", run).add("exit_code", 0).add("cpu_user_ms", 1).add("cpu_system_ms", 1);
  return line.add("max_rss_bytes", 1 << 20).add("reason", "exit code 0");
}

State build(int instances) {
  State state;
  const std::string version(64, 'a');
  (void)state.apply(Line("VERSION").add("app", "web").add("manifest", version).add("at", 1));
  for (int i = 1; i <= instances; ++i) {
    Line line("INSTANCE");
    line.add("instance", name_of(i)).add("app", "web").add("manifest", version);
    line.add("worker", "w" + std::to_string(i % 200)).add("restart", "always").add("at", 1);
    (void)state.apply(line.add("arg", "--serve").add("env", "PORT=80"));
    (void)state.apply(ended(i, 1));
  }
  return state;
}

class Bench {
 public:
  Bench(std::string directory, int instances)
      : instances_(instances), state_(build(instances)), directory_(std::move(directory)) {
    std::string notice;
    auto opened = JournalFile::open(
        directory_, "master", [](const Line&, std::int64_t) { return Status(); }, &notice);
    journal_ = std::make_unique<JournalFile>(std::move(*opened));
    commits_ = std::make_unique<CommitQueue<Effect, Append>>(
        std::make_unique<JournalLog>(*journal_, jobs_), [](Effect&) {},
        [](const Error&) { ::abort(); });
    Shortening::Parts parts{jobs_, *journal_, state_, {}, {}, {}, {}, {}};
    parts.hold = [this](Task task) { commits_->hold(std::move(task)); };
    parts.release = [this] { commits_->release(); };
    parts.save = [](const JournalRewrite&) { return Status(); };
    parts.on_done = [](const Status& done) {
      if (!done) ::fprintf(stderr, "%s\n", done.error().message.c_str());
    };
    parts.on_lost = [](const Error&) { ::abort(); };
    shortening_ = std::make_unique<Shortening>(std::move(parts));
  }

  void measure(const char* what, bool shorten) {
    begun_ = last_ = now_ms();
    longest_ = 0;
    const int before = rounds_;
    if (shorten) shortening_->begin();
    loop_.post([this, shorten] { round(shorten); });
    loop_.run();
    ::printf("%-24s %7.2f ms; %d records came in %.0f ms\n", what, longest_, rounds_ - before,
             now_ms() - begun_);
  }

  void measure_at_once() {
    const double begun = now_ms();
    bool is_lost = false;
    (void)replace_at_once(*journal_, snapshot(state_), &is_lost);
    ::printf("%-24s %7.2f ms\n", "in one piece", now_ms() - begun);
  }

 private:
  void round(bool shorten) {
    longest_ = std::max(longest_, now_ms() - last_);
    last_ = now_ms();
    if (shorten ? !shortening_->is_running() : last_ - begun_ > 1000) return loop_.stop(0);
    const Line record = ended(rounds_ % instances_ + 1, rounds_ / instances_ + 2);
    ++rounds_;
    (void)state_.apply(record);
    std::vector<Effect> effects;
    effects.emplace_back(Append{record});
    commits_->submit(std::move(effects));
    loop_.at(loop_.now().mono_ms + 1, [this, shorten] { round(shorten); });
  }

  int instances_;
  State state_;
  std::string directory_;
  Loop loop_;
  Jobs jobs_{loop_, 8};
  std::unique_ptr<JournalFile> journal_;
  std::unique_ptr<CommitQueue<Effect, Append>> commits_;
  std::unique_ptr<Shortening> shortening_;
  double begun_ = 0, last_ = 0, longest_ = 0;
  int rounds_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const int instances = argc > 1 ? ::atoi(argv[1]) : 100'000;
  std::string directory = std::string(argc > 2 ? argv[2] : "/tmp") + "/dm-bench-XXXXXX";
  if (instances < 1 || ::mkdtemp(directory.data()) == nullptr) return 1;
  {
    Bench bench(directory, instances);
    bench.measure("no shortening", false);
    bench.measure("shortened", true);
    bench.measure("shortened again", true);
    bench.measure_at_once();
  }
  return dm::remove_tree(directory) ? 0 : 1;
}
