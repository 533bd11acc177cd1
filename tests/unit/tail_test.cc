#include "master/core/tail.h"

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

TEST(tail_shelf_drops_the_oldest) {
  TailShelf shelf(100);
  CHECK_EQ(join(shelf.add("a.1", 40)), "");
  CHECK_EQ(join(shelf.add("b.1", 40)), "");
  CHECK_EQ(join(shelf.add("a.1", 50)), "");
  CHECK_EQ(join(shelf.add("c.1", 60)), "b.1 a.1");
  CHECK_EQ(join(shelf.names()), "c.1");
  shelf.remove("c.1");
  shelf.remove("c.1");
  CHECK(!shelf.has("c.1"));
  CHECK_EQ(join(shelf.add("d.1", 100)), "");
  CHECK_EQ(join(shelf.add("e.1", 101)), "d.1 e.1");
}

TEST(tail_queue_waits_a_moment_and_asks_a_crash_loop_seldom) {
  TailQueue queue;
  CHECK_EQ(queue.deadline(), INT64_MAX);
  queue.want("a.1", "w1", 1000);
  queue.want("a.1", "w1", 1100);
  CHECK_EQ(queue.deadline(), 1000 + TailQueue::kDelayMs);
  CHECK(!queue.next(1199));
  CHECK_EQ(queue.next(1200).value_or("none"), "a.1");
  CHECK(!queue.next(1200));
  queue.done("w1");
  queue.want("a.1", "w1", 1300);
  CHECK_EQ(queue.deadline(), 1200 + TailQueue::kAgainMs);
  CHECK(!queue.next(1200 + TailQueue::kAgainMs - 1));
  CHECK_EQ(queue.next(1200 + TailQueue::kAgainMs).value_or("none"), "a.1");
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
