#include "master/logs/tail.h"

#include "tests/unit/check.h"

using namespace dm::master;

namespace {

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

TEST(tail_file_comes_back_or_counts_as_none) {
  const Tail tail{"web.1", "w1", 3, 1'700'000'000'000, std::string("a\0\xff\nTAIL x\n", 11)};
  const std::string file = print_tail(tail);
  const auto read = parse_tail(file);
  REQUIRE(read.has_value());
  CHECK_EQ(read->instance + read->worker, "web.1w1");
  CHECK_EQ(read->run, 3);
  CHECK_EQ(read->at_ms, tail.at_ms);
  CHECK_EQ(read->text, tail.text);
  for (std::size_t cut = 0; cut < file.size(); ++cut) CHECK(!parse_tail(file.substr(0, cut)));
  CHECK(!parse_tail(file + "x"));
  CHECK(!parse_tail("TALE bytes=0\n"));
}

TEST(tail_last_lines) {
  CHECK_EQ(last_lines("a\nb\nc\n", 2), "b\nc\n");
  CHECK_EQ(last_lines("a\nb\nc", 2), "b\nc");
  CHECK_EQ(last_lines("a\nb\n\n", 1), "\n");
  CHECK_EQ(last_lines("a\nb\n", 9), "a\nb\n");
  CHECK_EQ(last_lines("a\n", 0), "");
  CHECK_EQ(last_lines("", 3), "");
}

TEST(tail_shelf_drops_what_ended_first) {
  TailShelf shelf(100);
  CHECK_EQ(join(shelf.add("a.1", 1, 10, 40)), "");
  CHECK_EQ(join(shelf.add("b.1", 1, 20, 40)), "");
  CHECK_EQ(join(shelf.add("a.1", 2, 30, 50)), "");
  CHECK_EQ(join(shelf.add("c.1", 1, 40, 60)), "b.1 a.1");
  CHECK_EQ(join(shelf.names()), "c.1");
  // What came last but ended first goes first.
  CHECK_EQ(join(shelf.add("d.1", 1, 5, 60)), "d.1");
  shelf.remove("c.1");
  shelf.remove("c.1");
  CHECK(!shelf.has("c.1"));
  CHECK_EQ(join(shelf.add("d.1", 1, 50, 100)), "");
  CHECK_EQ(join(shelf.add("e.1", 1, 60, 101)), "d.1 e.1");
}

TEST(tail_shelf_knows_what_it_lacks) {
  constexpr std::int64_t kTail = Tail::kMostBytes;
  TailShelf shelf(2 * kTail);
  CHECK(shelf.lacks("a.1", 1, 10));
  (void)shelf.add("a.1", 1, 10, 1000);
  CHECK(!shelf.lacks("a.1", 1, 10));
  CHECK(shelf.lacks("a.1", 2, 20));
  shelf.is_unavailable("a.1", 2);
  CHECK(!shelf.lacks("a.1", 2, 20));
  CHECK(shelf.lacks("a.1", 3, 30));
  // On a full shelf there is no room for what would have to go first.
  (void)shelf.add("b.1", 1, 20, kTail);
  CHECK(!shelf.lacks("c.1", 1, 9));
  CHECK(shelf.lacks("c.1", 1, 11));
  shelf.is_unavailable("d.1", 1);
  CHECK_EQ(join(shelf.names()), "a.1 b.1 d.1");
  shelf.remove("d.1");
  shelf.remove("a.1");
  CHECK(shelf.lacks("d.1", 1, 30));
  CHECK(shelf.lacks("a.1", 2, 20));
}

TEST(tail_queue_asks_at_once_and_a_crash_loop_seldom) {
  TailQueue queue;
  CHECK_EQ(queue.deadline(), INT64_MAX);
  queue.want("a.1", "w1", 1000);
  queue.want("a.1", "w1", 1100);
  CHECK_EQ(queue.deadline(), 1100);
  CHECK_EQ(queue.next(1100).value_or("none"), "a.1");
  CHECK(!queue.next(1100));
  queue.done("w1");
  queue.want("a.1", "w1", 1300);
  CHECK_EQ(queue.deadline(), 1100 + TailQueue::kAgainMs);
  CHECK(!queue.next(1100 + TailQueue::kAgainMs - 1));
  CHECK_EQ(queue.next(1100 + TailQueue::kAgainMs).value_or("none"), "a.1");
}

TEST(tail_queue_asks_again_later_and_later_and_gives_up) {
  TailQueue queue;
  queue.want("a.1", "w1", 0);
  std::int64_t now = 0;
  std::string pauses;
  for (int i = 1; i < TailQueue::kMostTries; ++i) {
    REQUIRE(queue.next(now).has_value());
    CHECK_EQ(queue.deadline(), INT64_MAX);
    CHECK(queue.failed("w1", now));
    pauses += " " + std::to_string((queue.deadline() - now) / 1000);
    now = queue.deadline();
  }
  CHECK_EQ(pauses, " 5 10 20 40 80 160 300 300 300");
  REQUIRE(queue.next(now).has_value());
  CHECK(!queue.failed("w1", now));
  CHECK_EQ(queue.deadline(), INT64_MAX);
  // A new end, or the worker's return, begins anew and need not wait for what was to come.
  queue.want("a.1", "w1", now + 9000);
  REQUIRE(queue.next(now + 9000).has_value());
  CHECK(queue.failed("w1", now + 9000));
  CHECK_EQ(queue.deadline(), now + 14'000);
  REQUIRE(queue.next(now + 14'000).has_value());
  CHECK(queue.failed("w1", now + 14'000));
  queue.want("a.1", "w1", now + 15'000);
  CHECK_EQ(queue.deadline(), now + 19'000);
}

TEST(tail_queue_goes_on_with_a_later_end_and_not_with_what_is_gone) {
  TailQueue queue;
  queue.want("a.1", "w1", 0);
  REQUIRE(queue.next(0).has_value());
  queue.want("a.1", "w1", 100);
  CHECK(queue.failed("w1", 200));
  CHECK_EQ(queue.deadline(), TailQueue::kAgainMs);
  REQUIRE(queue.next(5000).has_value());
  queue.forget("a.1");
  CHECK(queue.failed("w1", 5000));
  CHECK_EQ(queue.deadline(), INT64_MAX);
  CHECK(queue.failed("w1", 5000));  // of a worker that is not busy
}

TEST(tail_queue_asks_few_at_a_time) {
  TailQueue queue;
  for (int i = 1; i <= 20; ++i)
    for (const char* app : {"a.", "b."})
      queue.want(app + std::to_string(i), "w" + std::to_string(i), 0);
  int asked = 0;
  while (queue.next(1000)) ++asked;
  CHECK_EQ(asked, static_cast<int>(TailQueue::kMostAtOnce));
  CHECK_EQ(queue.deadline(), INT64_MAX);
  queue.done("w1");
  CHECK_EQ(queue.next(1000).value_or("none"), "b.1");
  CHECK(!queue.next(1000));
}

TEST(tail_queue_forgets) {
  TailQueue queue;
  queue.want("a.1", "w1", 0);
  queue.forget("a.1");
  queue.forget("a.1");
  CHECK(!queue.next(1000));
  CHECK_EQ(join(queue.names()), "");
}
