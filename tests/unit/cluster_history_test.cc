// `history` and what retention cuts, as the core sees them: the reading is the I/O's.
#include "master/state/snapshot.h"
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

TEST(cluster_history_every_end_names_its_worker) {
  World world;
  world.join("w1");
  world.install("web", {"w1"});
  const std::string name = world.launch("web", "w1");
  world.hear("w1", "EXITED instance=" + name + " run=1 seq=1 pid=77 exit_code=3 reason=r");
  CHECK(world.has("record ENDED instance=web.1 run=1 pid=77 exit_code=3 core=0 "));
  CHECK(world.has(" worker=w1 seq=1"));
  world.run("launch web --on w1");
  world.take();
  world.answer("w1", "LAUNCH", "ERR code=exec-failed msg=no");
  CHECK(world.has("record ENDED instance=web.2 run=1 "));
  CHECK(world.has(" worker=w1"));
}

TEST(cluster_history_asks_the_files_and_prints_what_they_gave) {
  World world;
  world.run("history web --since 10s -n 3 --json");
  CHECK_EQ(world.take(), "read history of 'web' for #1\n");
  HistoryRead read;
  read.request = 1;
  read.text = "a row\n";
  read.rows = 1;
  world.feed(read);
  CHECK_EQ(world.take(), "#1 out a row\n#1 OK\n");
  // Twice, or for one who has gone: nobody hears of it.
  world.feed(read);
  CHECK_EQ(world.take(), "");
}

TEST(cluster_history_says_what_is_not_there) {
  World world;
  world.run("history web");
  HistoryRead read;
  read.request = 1;
  world.feed(read);
  CHECK(world.has("#1 ERR not-found no app or instance named web"));
  world.take();
  world.run("history");
  read.request = 2;
  read.older = 7;
  read.damaged = 2;
  read.unreadable = 1;
  world.feed(read);
  CHECK(world.has("#2 note 7 older runs are too many for one answer"));
  CHECK(world.has("#2 note the history is damaged: 2 lines and 1 file could not be read"));
  CHECK(world.has("#2 OK"));
}

TEST(cluster_history_cuts_are_recorded_before_files_go_and_counted_once) {
  World world;
  world.feed(HistoryCut{0, 10, 3, 5, 700});
  CHECK_EQ(world.take(), "record CUT before=10 runs=3 records=5 bytes=700\ndrop history 10\n");
  // Counted when the files of the first were not gone yet.
  world.feed(HistoryCut{0, 15, 4, 6, 800});
  CHECK_EQ(world.take(), "");
  world.feed(HistoryCut{10, 20, 1, 1, 100});
  CHECK_EQ(world.take(), "record CUT before=20 runs=4 records=6 bytes=800\ndrop history 20\n");
  world.restart();
  world.run("history");
  HistoryRead read;
  read.request = 1;
  read.cut_runs = 4;
  world.feed(read);
  CHECK(world.has("#1 note 4 older runs were cut (--history-max 64 MiB)"));
  State again;
  for (const Line& record : snapshot(world.cluster().state())) CHECK(again.apply(record));
  CHECK_EQ(again.cuts.before, 20);
  CHECK_EQ(again.cuts.bytes, 800);
}

TEST(cluster_history_events_are_the_same_after_a_restart) {
  World world;
  world.join("w1");
  world.install("web", {"w1"});
  const std::string name = world.launch("web", "w1");
  world.hear("w1", "EXITED instance=" + name + " run=1 seq=1 pid=77 exit_code=3 reason=r");
  world.run("stop nosuch");
  const std::string before = world.print("events -n 1000 --json");
  for (const char* kind : {"worker-up", "registered", "copied", "launched", "exited", "command"})
    CHECK(before.find("\"kind\":\"" + std::string(kind) + "\"") != std::string::npos);
  CHECK(before.find("stop nosuch: no app or instance named nosuch") != std::string::npos);
  world.restart();
  CHECK_EQ(world.print("events -n 1000 --json"), before);
  // Numbers go on growing, and nobody is told again.
  world.run("events -f -n 0");
  world.take();
  world.join("w1");
  CHECK_EQ(world.count("#"), 1);
  CHECK(world.print("events -n 1000 --json").starts_with(before));
}

TEST(cluster_history_older_records_are_recalled_as_events_alone) {
  Cluster cluster{ClusterOptions()};
  cluster.recall_older(40);
  cluster.recall(line("ENDED instance=web.1 run=1 reason=x at=5 worker=w1"), 100);
  CHECK(cluster.replay(line("WORKER name=w1 id="), 0).has_value());
  // The journal still holds what was saved.
  CHECK(cluster.replay(line("ENDED instance=web.1 run=1 reason=x at=5 worker=w1"), 100));
  CHECK(cluster.replay(line("COMMAND at=6 who=ann words=stop code=ok"), 101).has_value());
  CHECK(cluster.state().instances.empty());
  cluster.begin({1, 1});
  std::string text;
  const Command events{1, *parse_invocation({"events"}), {"ann", "unix"}, std::nullopt};
  for (const Effect& effect : cluster.on(events, {1, 1})) {
    if (const auto* out = std::get_if<Out>(&effect)) text += out->text;
    if (const auto* note = std::get_if<Note>(&effect)) text += note->text + "\n";
  }
  CHECK_EQ(text,
           "1970-01-01T00:00:00.005Z  exited  web.1 on w1: x\n"
           "1970-01-01T00:00:00.006Z  command  stop: done (by ann)\n"
           "40 older events are not shown\n");
}
