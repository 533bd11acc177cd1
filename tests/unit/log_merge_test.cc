#include "master/logs/log_merge.h"

#include "tests/unit/check.h"

using dm::master::LogMerge;

namespace {

constexpr std::int64_t kStart = 50'000;

// A line as LOG stamp=1 sends it, of that second.
std::string at(int second, const std::string& text) {
  return "2026-01-02T03:04:0" + std::to_string(second) + ".000Z " + text;
}

struct Merge : LogMerge {
  explicit Merge(Options options = {}) : LogMerge(options, kStart) {
    add("a | ");
    add("b | ");
  }
  using LogMerge::end;
  using LogMerge::feed;
  bool feed(Key key, std::string_view bytes) { return feed(key, bytes, kStart); }
  void end(Key key) { end(key, kStart); }
  std::string all(std::int64_t now_ms = kStart) {
    std::string text;
    for (std::string more = take(now_ms); !more.empty(); more = take(now_ms)) text += more;
    return text;
  }
};

std::string keys(const std::vector<LogMerge::Key>& all) {
  std::string text;
  for (const LogMerge::Key key : all) text += std::to_string(key);
  return text;
}

}  // namespace

TEST(log_merge_goes_by_time_and_waits_for_who_may_be_earlier) {
  Merge merge;
  merge.feed(0, at(1, "one\n") + at(3, "three\n"));
  CHECK_EQ(merge.all(), "");
  merge.feed(1, at(2, "two\n"));
  CHECK_EQ(merge.all(), "a | one\nb | two\n");
  CHECK_EQ(keys(merge.finished()), "");
  merge.end(1);
  CHECK_EQ(keys(merge.finished()), "1");
  CHECK_EQ(merge.all(), "a | three\n");
  merge.end(0);
  CHECK_EQ(keys(merge.finished()), "0");
}

TEST(log_merge_of_one_moment_goes_by_stream) {
  Merge merge;
  merge.feed(1, at(1, "x\n") + at(1, "y\n"));
  merge.feed(0, at(1, "p\n") + at(1, "q\n"));
  merge.end(0);
  merge.end(1);
  CHECK_EQ(merge.all(), "a | p\na | q\nb | x\nb | y\n");
}

TEST(log_merge_keeps_times_if_asked) {
  Merge merge({.stamps = true});
  merge.feed(0, at(1, "one\n"));
  merge.end(0);
  merge.end(1);
  CHECK_EQ(merge.all(), "a | " + at(1, "one\n"));
}

TEST(log_merge_splits_at_every_byte_and_ends_the_last_line) {
  const std::string text = at(1, "one\n") + at(2, "\n") + at(3, "last");
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Merge merge;
    merge.end(1);
    merge.feed(0, text.substr(0, cut));
    std::string got = merge.all();
    merge.feed(0, text.substr(cut));
    got += merge.all();
    merge.end(0);
    CHECK_EQ(got + merge.all(), "a | one\na | \na | last\n");
  }
}

TEST(log_merge_takes_a_line_without_a_time_as_it_is) {
  Merge merge;
  merge.feed(0, at(5, "five\n") + "yesterday, some time ago\n");
  merge.feed(1, at(6, "six\n"));
  merge.end(0);
  merge.end(1);
  CHECK_EQ(merge.all(), "a | five\na | yesterday, some time ago\nb | six\n");
}

TEST(log_merge_holds_little_and_says_who_may_go_on) {
  Merge merge;
  std::string line = at(1, std::string(1000, 'x') + "\n");
  std::size_t fed = 0;
  for (bool more = true; more; fed += line.size()) more = merge.feed(0, line);
  CHECK(fed >= LogMerge::kMostHeld && fed < LogMerge::kMostHeld + 2000);
  CHECK_EQ(merge.all(), "");
  CHECK_EQ(keys(merge.resumable()), "");
  CHECK(merge.feed(1, at(2, "later\n")));
  CHECK(!merge.all().empty());
  CHECK_EQ(keys(merge.resumable()), "0");
  CHECK_EQ(keys(merge.resumable()), "");
}

TEST(log_merge_keeps_the_pieces_of_a_long_line_together) {
  Merge merge;
  merge.end(1);
  CHECK(!merge.feed(0, at(1, std::string(LogMerge::kMostHeld, 'x'))));
  const std::string first = merge.all();
  CHECK_EQ(first, "a | " + std::string(LogMerge::kMostHeld - 25, 'x'));
  CHECK_EQ(keys(merge.resumable()), "0");
  merge.feed(0, at(2, "y\n"));
  CHECK_EQ(merge.all(), std::string(25, 'x') + at(2, "y\n"));
}

TEST(log_merge_lets_no_line_into_a_long_one) {
  Merge merge;
  merge.feed(1, at(1, "early\n") + at(5, "late\n"));
  merge.feed(0, at(1, std::string(2 * LogMerge::kMostHeld, 'x')));
  std::string got = merge.all();
  merge.feed(0, "end\n");
  merge.end(0);
  merge.end(1);
  got += merge.all();
  CHECK_EQ(got, "a | " + std::string(2 * LogMerge::kMostHeld, 'x') + "end\nb | early\nb | late\n");
}

TEST(log_merge_shows_a_question_without_a_newline) {
  Merge merge({.follows = true});
  merge.feed(0, at(1, "name? "));
  CHECK_EQ(merge.deadline(), kStart + LogMerge::kPieceMs);
  CHECK_EQ(merge.all(kStart + LogMerge::kPieceMs - 1), "");
  std::int64_t now = kStart + LogMerge::kPieceMs;
  CHECK_EQ(merge.all(now), "a | name? ");
  CHECK_EQ(merge.deadline(), INT64_MAX);
  // Its rest goes on with it.
  merge.feed(0, "ann\n" + at(2, "color? "), now);
  CHECK_EQ(merge.all(now + LogMerge::kSilentMs), "ann\n");
  now += LogMerge::kPieceMs;
  CHECK_EQ(merge.all(now), "a | color? ");
  // Unless another one comes before.
  merge.feed(1, at(3, "b's\n"), now);
  CHECK_EQ(merge.all(now + LogMerge::kSilentMs), "\nb | b's\n");
  merge.feed(0, "red\n", now + 500);
  CHECK_EQ(merge.all(now + 500 + LogMerge::kSilentMs), "a | red\n");
  // The end of one that is open ends the line.
  merge.feed(0, at(4, "bye"), now + 1000);
  CHECK_EQ(merge.all(now + 2000), "a | bye");
  merge.end(0, now + 2000);
  CHECK_EQ(merge.all(now + 2000 + LogMerge::kSilentMs), "\n");
  CHECK_EQ(keys(merge.finished()), "0");
}

TEST(log_merge_that_follows_does_not_wait_for_the_silent) {
  Merge merge({.follows = true});
  merge.feed(0, at(2, "two\n"));
  CHECK_EQ(merge.all(), "");
  CHECK_EQ(merge.deadline(), kStart + LogMerge::kBeginMs);
  merge.feed(1, at(1, "one\n"));
  CHECK_EQ(merge.all(kStart), "b | one\n");
  CHECK_EQ(merge.all(kStart + LogMerge::kBeginMs - 1), "");
  CHECK_EQ(merge.all(kStart + LogMerge::kBeginMs), "a | two\n");
  CHECK_EQ(merge.deadline(), INT64_MAX);
  // Later it waits less, and for whole lines only.
  const std::int64_t later = kStart + 60'000;
  merge.feed(1, at(4, "four\n") + at(5, "fi"), later);
  CHECK_EQ(merge.deadline(), later + LogMerge::kSilentMs);
  merge.feed(0, at(3, "three\n"), later + 1);
  CHECK_EQ(merge.all(later + 1), "a | three\n");
  const std::int64_t due = merge.deadline();
  CHECK_EQ(due, later + 1 + LogMerge::kSilentMs);
  CHECK_EQ(merge.all(due), "b | four\n");
  CHECK_EQ(merge.all(later + LogMerge::kPieceMs - 1), "");
  merge.feed(1, "ve\n", due);
  CHECK_EQ(merge.all(due + LogMerge::kSilentMs), "b | five\n");
  // The end of one completes a line too.
  merge.feed(1, at(6, "six"), due);
  CHECK_EQ(merge.deadline(), due + LogMerge::kPieceMs);
  merge.end(1, due + 1000);
  CHECK_EQ(merge.deadline(), due + 1000 + LogMerge::kSilentMs);
  CHECK_EQ(merge.all(merge.deadline()), "b | six\n");
  CHECK_EQ(keys(merge.finished()), "1");
}

TEST(log_merge_that_reads_the_past_waits_for_ever) {
  Merge merge;
  merge.feed(0, at(1, "one\n"));
  CHECK_EQ(merge.deadline(), INT64_MAX);
  CHECK_EQ(merge.all(kStart + 1'000'000), "");
}

TEST(log_merge_forgets_what_is_dropped) {
  Merge merge;
  merge.feed(0, at(1, "one\n") + at(2, "two\n"));
  merge.drop(0);
  merge.drop(0);
  CHECK(merge.feed(0, at(3, "three\n")));
  merge.feed(1, at(4, "four\n"));
  merge.end(1);
  CHECK_EQ(merge.all(), "b | four\n");
  merge.end(0);
  CHECK_EQ(keys(merge.finished()), "1");
}
