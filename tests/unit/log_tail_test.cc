#include "worker/io/log_tail.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

#include <string>

#include "common/io/files.h"
#include "tests/unit/check.h"

namespace dm::worker {
namespace {

// A file without a name that holds `content`.
Fd file_with(const std::string& content) {
  char name[] = "/tmp/dm-log-XXXXXX";
  Fd fd(::mkostemp(name, O_CLOEXEC));
  ::unlink(name);
  (void)write_all(fd.get(), content);
  return fd;
}

std::string tail(const std::string& content, std::int64_t lines) {
  const Fd fd = file_with(content);
  const auto start =
      start_of_last_lines(fd.get(), static_cast<std::int64_t>(content.size()), lines);
  return start ? content.substr(static_cast<std::size_t>(*start)) : "(error)";
}

}  // namespace

TEST(log_tail_does_not_walk_through_a_hole) {
  const Fd fd = file_with("before\n");
  constexpr std::int64_t kFar = std::int64_t{1}
                                << 42;  // to be walked through it would take an hour
  REQUIRE(::ftruncate(fd.get(), kFar) == 0);
  REQUIRE(::pwrite(fd.get(), "one\ntwo\n", 8, kFar) == 8);
  const auto last = start_of_last_lines(fd.get(), kFar + 8, 1);
  CHECK(last && *last == kFar + 4);
  const auto more = start_of_last_lines(fd.get(), kFar + 8, 3);
  CHECK(more && *more > 7 && *more <= kFar);
}

TEST(log_tail_counts_lines_from_the_end) {
  CHECK_EQ(tail("a\nb\nc\n", 0), "");
  CHECK_EQ(tail("a\nb\nc\n", 1), "c\n");
  CHECK_EQ(tail("a\nb\nc\n", 2), "b\nc\n");
  CHECK_EQ(tail("a\nb\nc\n", 3), "a\nb\nc\n");
  CHECK_EQ(tail("a\nb\nc\n", 99), "a\nb\nc\n");
}

TEST(log_tail_takes_an_open_last_line_for_one) {
  CHECK_EQ(tail("a\nb\nc", 1), "c");
  CHECK_EQ(tail("a\nb\nc", 2), "b\nc");
  CHECK_EQ(tail("c", 1), "c");
  CHECK_EQ(tail("", 5), "");
}

TEST(log_tail_counts_empty_lines) {
  CHECK_EQ(tail("a\n\n\n", 1), "\n");
  CHECK_EQ(tail("a\n\n\n", 2), "\n\n");
  CHECK_EQ(tail("\n", 1), "\n");
}

TEST(log_tail_reads_over_block_borders) {
  for (const std::size_t size : {65'534U, 65'535U, 65'536U, 65'537U, 131'072U, 200'000U}) {
    const std::string last = std::string(size, 'x') + "\n";
    CHECK(tail("first\n" + last, 1) == last);
    CHECK(tail("first\n" + last, 2) == "first\n" + last);
    CHECK(tail("zero\nfirst\n" + last, 2) == "first\n" + last);
  }
}

TEST(log_tail_looks_at_the_given_size_only) {
  const Fd fd = file_with("a\nb\nc\n");
  CHECK_EQ(*start_of_last_lines(fd.get(), 4, 1), 2);
}

TEST(log_tail_hears_of_growth) {
  const Fd fd = file_with("a\n");
  GrowthWatch watch(fd.get());
  if (watch.fd() < 0) return;  // nobody tells here: it is looked at now and then
  pollfd waiting{watch.fd(), POLLIN, 0};
  CHECK_EQ(::poll(&waiting, 1, 0), 0);
  REQUIRE(write_all(fd.get(), "b\n"));
  CHECK_EQ(::poll(&waiting, 1, 10'000), 1);
  watch.clear();
  CHECK_EQ(::poll(&waiting, 1, 0), 0);
}

}  // namespace dm::worker
