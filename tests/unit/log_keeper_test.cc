#include "worker/io/log_keeper.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/files.h"
#include "common/io/remove_tree.h"
#include "common/io/system.h"
#include "tests/unit/check.h"
#include "worker/io/log_reader.h"

namespace dm::worker {
namespace {

constexpr std::int64_t kMiB = 1024 * 1024;

std::string numbered(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

// A store of its own, and a keeper of it.
struct Place {
  Place() {
    char name[] = "/tmp/dm-root-XXXXXX";
    if (::mkdtemp(name) != nullptr) path = name;
    store.emplace(path, std::vector<gid_t>());
    (void)store->prepare();
    keeper.emplace(loop, *store, LogKeeper::Limits{kMiB * 1000, 0},
                   [] { return LogKeeper::Owners(); });
  }
  ~Place() { (void)remove_tree(path); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  Fd log(std::int64_t run) const {
    auto fd = store->open_log("a.1", run);
    return fd ? std::move(*fd) : Fd();
  }
  bool has(const std::string& name) const {
    struct stat info {};
    return ::stat((path + "/logs/" + name).c_str(), &info) == 0;
  }
  std::string content(const std::string& name) const {
    return read_file(path + "/logs/" + name).value();
  }
  bool look(std::int64_t run, bool is_alive, std::int64_t most, std::int64_t mono_ms = 10'000) {
    return keeper->look({{"a.1", {run, is_alive, most}}}, {mono_ms, 1'000'000'000});
  }
  bool glance(std::int64_t run, std::int64_t most, std::int64_t mono_ms) {
    return keeper->glance({{"a.1", {run, true, most}}}, {mono_ms, 1'000'000'000});
  }

  std::string path;
  Loop loop;
  std::optional<AppStore> store;
  std::optional<LogKeeper> keeper;
};

// All that the reader gives from `*offset` on, which is moved to where that begins.
std::string read_from(LogReader& log, std::int64_t* offset) {
  std::string text;
  char block[10'000];
  std::int64_t at = *offset;
  while (true) {
    const auto got = log.read(&at, block, sizeof block);
    if (!got || *got == 0) return text;
    if (text.empty()) *offset = at;
    text.append(block, *got);
    at += static_cast<std::int64_t>(*got);
  }
}

}  // namespace

TEST(log_keeper_shortens_a_log_that_is_written_and_read) {
  Place place;
  const Fd file = place.log(1);
  std::string all = numbered(0, 50'000);
  REQUIRE(write_all(file.get(), all));
  auto log = LogReader::open(*place.store, "a.1", 1);
  REQUIRE(log);
  CHECK_EQ(*log->first_kept(), 0);
  REQUIRE(place.look(1, true, 100'000));
  CHECK(!place.look(1, true, 100'000));
  REQUIRE(write_all(file.get(), numbered(50'000, 50'010)));
  all += numbered(50'000, 50'010);

  CHECK_EQ(*log->size(), static_cast<std::int64_t>(all.size()));
  const std::int64_t kept = *log->first_kept();
  CHECK(kept > 0);
  CHECK(*log->size() - kept <= 110'000);
  std::int64_t offset = 0;
  CHECK(read_from(*log, &offset) == all.substr(static_cast<std::size_t>(kept)));
  CHECK_EQ(offset, kept);
  // Whoever is further on already notices nothing.
  offset = kept + 5;
  CHECK(read_from(*log, &offset) == all.substr(static_cast<std::size_t>(kept) + 5));
  CHECK_EQ(offset, kept + 5);
}

TEST(log_reader_counts_lines_up_to_the_hole) {
  Place place;
  const Fd file = place.log(1);
  REQUIRE(write_all(file.get(), numbered(0, 50'000)));
  REQUIRE(place.look(1, true, 100'000));
  auto log = LogReader::open(*place.store, "a.1", 1);
  REQUIRE(log);
  const std::int64_t size = *log->size(), kept = *log->first_kept();
  CHECK_EQ(*log->start_of_last(1), size - 11);
  CHECK_EQ(*log->start_of_last(1'000'000), kept);
  CHECK_EQ(*log->start_of_line(size - 3), size - 11);
  CHECK_EQ(*log->start_of_line(size - 11), size - 11);
  CHECK_EQ(*log->start_of_line(size), size);
  CHECK_EQ(*log->start_of_line(5), 5);  // gone: told as a cut from there on
}

TEST(log_reader_counts_what_was_truncated) {
  Place place;
  REQUIRE(write_all(place.log(1).get(), "fresh\n"));
  auto log = LogReader::open(*place.store, "a.1", 1);
  REQUIRE(log);
  REQUIRE(replace_file(place.path + "/logs/a.1.1.gone", "1000\n"));
  CHECK_EQ(*log->size(), 1006);
  CHECK_EQ(*log->first_kept(), 1000);
  CHECK_EQ(*log->start_of_last(1), 1000);
  std::int64_t offset = 200;
  CHECK_EQ(read_from(*log, &offset), "fresh\n");
  CHECK_EQ(offset, 1000);
}

TEST(log_keeper_drops_a_run_with_all_that_lies_beside_it) {
  Place place;
  for (const std::int64_t run : {1, 2})
    REQUIRE(write_all(place.log(run).get(), std::string(60'000, 'x')));
  for (const char* suffix : {".times", ".gone"})
    REQUIRE(replace_file(place.path + "/logs/a.1.1" + suffix, "0\n"));
  CHECK(!place.look(2, false, 2 * 61'440));
  CHECK(place.look(2, false, 66'000));
  for (const char* name : {"a.1.1", "a.1.1.times", "a.1.1.gone"}) CHECK(!place.has(name));
  // Whoever asks for it hears why it is not there.
  const auto gone = LogReader::open(*place.store, "a.1", 1);
  CHECK(gone.error().code == Code::kNotFound);
  CHECK(gone.error().message.find("run 1 of a.1 is gone: the oldest go first") !=
        std::string::npos);
  CHECK_EQ(LogReader::open(*place.store, "a.1", 3).error().message, "a.1 has no log of run 3");
  CHECK(place.has("a.1.2"));
}

TEST(log_keeper_glances_at_the_living_and_sees_how_fast_they_grow) {
  Place place;
  const Fd old = place.log(1), file = place.log(2);
  REQUIRE(write_all(old.get(), std::string(kMiB / 4, 'x')));
  CHECK(!place.look(2, true, kMiB, 10'000));
  CHECK_EQ(place.keeper->wait_ms(), 10);  // nothing is known of it yet
  CHECK(!place.glance(2, kMiB, 20'000));
  CHECK_EQ(place.keeper->wait_ms(), 200);
  // The run before counts too, and goes first.
  REQUIRE(write_all(file.get(), std::string(kMiB, 'x')));
  CHECK(place.glance(2, kMiB, 20'200));
  CHECK_EQ(place.keeper->wait_ms(), 50);  // 256 KiB at 1 MiB in 200 ms
  CHECK(!place.has("a.1.1"));
  CHECK(!place.glance(2, kMiB, 20'400));
  CHECK_EQ(place.keeper->wait_ms(), 200);
  // So does what a run wrote that had not begun at the last look.
  const Fd next = place.log(3);
  REQUIRE(write_all(next.get(), std::string(2 * kMiB, 'x')));
  CHECK(place.glance(3, kMiB, 20'600));
  CHECK_EQ(place.keeper->wait_ms(), 10);
  CHECK(!place.has("a.1.2"));
  struct stat info {};
  REQUIRE(::fstat(next.get(), &info) == 0);
  CHECK(std::int64_t{info.st_blocks} * 512 <= kMiB);
}

// As with thousands of logs that rest: only what was written to is looked at.
TEST(log_keeper_hears_of_every_log_that_is_written_made_or_removed) {
  Place place;
  const auto log_of = [&](const std::string& instance) {
    auto fd = place.store->open_log(instance, 1);
    return fd ? std::move(*fd) : Fd();
  };
  const Fd first = log_of("a.1"), second = log_of("a.2");
  const LogKeeper::Owners owners = {{"a.1", {1, true, kMiB}}, {"a.2", {1, true, kMiB}}};
  const auto glance = [&](std::int64_t mono_ms) {
    return place.keeper->glance({}, {mono_ms, 1'000'000'000});
  };
  CHECK(!place.keeper->look(owners, {10'000, 1'000'000'000}));
  REQUIRE(write_all(second.get(), std::string(2 * kMiB, 'x')));
  CHECK(glance(20'000));
  CHECK(!glance(20'200));
  CHECK(place.has("a.2.1.times") && !place.has("a.1.1.times"));
  // What ended is written to by what it left behind, and counts.
  place.keeper->glance({{"a.1", {1, false, kDefaultLogMost}}}, {20'400, 1'000'000'000});
  REQUIRE(write_all(first.get(), std::string(2 * kMiB, 'x')));
  CHECK(glance(20'600));
  // A mark that came too soon is made up for.
  REQUIRE(write_all(second.get(), "x"));
  CHECK(!glance(20'700));
  CHECK(!glance(21'800));
  CHECK_EQ(LogTimes::parse(place.content("a.2.1.times")).marks().size(), 2U);
}

// As `echo x >/dev/stderr` does it: opened by name, and truncated by that.
TEST(log_keeper_counts_what_an_app_truncates) {
  Place place;
  const Fd file = place.log(1);
  REQUIRE(write_all(file.get(), "one\ntwo\n"));
  auto log = LogReader::open(*place.store, "a.1", 1);
  REQUIRE(log);
  std::int64_t offset = 0;
  CHECK_EQ(read_from(*log, &offset), "one\ntwo\n");
  CHECK(!log->is_truncated());
  place.look(1, true, kMiB, 1000);
  const auto truncate = [&] {
    const Fd again(::open((place.path + "/logs/a.1.1").c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    return write_all(again.get(), "x\n").has_value();
  };
  REQUIRE(truncate());
  REQUIRE(write_all(file.get(), "three\n"));
  // Told at once, as far as it is known by then.
  offset = 0;
  CHECK_EQ(read_from(*log, &offset), "x\nthree\n");
  CHECK_EQ(offset, 8);
  CHECK(log->is_truncated());
  place.glance(1, kMiB, 1200);
  CHECK_EQ(place.content("a.1.1.gone"), "8 app\n");
  CHECK_EQ(*log->size(), 16);
  // And again.
  REQUIRE(truncate());
  place.glance(1, kMiB, 1400);
  CHECK_EQ(place.content("a.1.1.gone"), "16 app\n");
  CHECK_EQ(*log->first_kept(), 16);
  CHECK_EQ(*log->size(), 18);
}

TEST(log_that_was_truncated_before_anybody_looked_says_so) {
  Place place;
  const Fd file = place.log(1);
  REQUIRE(write_all(file.get(), "one\n"));
  REQUIRE(::ftruncate(file.get(), 0) == 0);
  REQUIRE(write_all(file.get(), "two\n"));
  auto log = LogReader::open(*place.store, "a.1", 1);
  REQUIRE(log);
  std::int64_t offset = 0;
  CHECK_EQ(read_from(*log, &offset), "two\n");
  CHECK_EQ(offset, 1);
  CHECK(log->is_truncated());
}

TEST(log_of_an_older_version_has_no_head) {
  Place place;
  REQUIRE(replace_file(place.path + "/logs/a.1.1", "one\ntwo\n", 0640));
  auto log = LogReader::open(*place.store, "a.1", 1);
  REQUIRE(log);
  std::int64_t offset = 0;
  CHECK_EQ(read_from(*log, &offset), "one\ntwo\n");
  CHECK(!log->is_truncated());
  CHECK_EQ(*log->start_of_last(1), 4);
}

TEST(log_keeper_frees_what_is_set_aside_behind_the_end) {
  Place place;
  const Fd file = place.log(1);
  REQUIRE(write_all(file.get(), "one\n"));
  if (::fallocate(file.get(), FALLOC_FL_KEEP_SIZE, 0, 8 * kMiB) != 0) return;
  CHECK(place.look(1, true, kMiB));
  struct stat info {};
  REQUIRE(::fstat(file.get(), &info) == 0);
  CHECK(std::int64_t{info.st_blocks} * 512 <= kMiB);
  auto log = LogReader::open(*place.store, "a.1", 1);
  std::int64_t offset = 0;
  CHECK_EQ(read_from(*log, &offset), "one\n");
  CHECK(!place.look(1, true, kMiB));
}

TEST(log_keeper_survives_a_log_as_long_as_can_be) {
  Place place;
  const Fd file = place.log(1);
  REQUIRE(write_all(file.get(), std::string(2 * kMiB, 'x')));
  for (const std::int64_t size : {INT64_MAX, INT64_MAX - 4096, std::int64_t{1} << 43}) {
    if (::ftruncate(file.get(), size) != 0) continue;  // ext4 has its own limit
    place.look(1, true, kMiB);
    auto log = LogReader::open(*place.store, "a.1", 1);
    REQUIRE(log);
    CHECK(*log->size() > 0 && *log->size() <= kMostLogSize);
    CHECK(*log->first_kept() <= *log->size());
    CHECK(*log->start_of_last(3) <= *log->size());
  }
  struct stat info {};
  REQUIRE(::fstat(file.get(), &info) == 0);
  CHECK(std::int64_t{info.st_blocks} * 512 <= kMiB);
}

TEST(log_keeper_marks_growth_once_a_second) {
  Place place;
  const Fd file = place.log(1);
  place.look(1, true, kMiB, 1000);
  CHECK(!place.has("a.1.1.times"));
  REQUIRE(write_all(file.get(), "one\n"));
  place.look(1, true, kMiB, 2000);
  REQUIRE(write_all(file.get(), "two\n"));
  place.look(1, true, kMiB, 2500);
  place.look(1, true, kMiB, 2999);
  CHECK_EQ(LogTimes::parse(place.content("a.1.1.times")).marks().size(), 1U);
  place.look(1, true, kMiB, 3000);
  place.look(1, true, kMiB, 5000);
  const LogTimes times = LogTimes::parse(place.content("a.1.1.times"));
  REQUIRE(times.marks().size() == 2);
  CHECK_EQ(times.marks()[0].size, 4);
  CHECK_EQ(times.marks()[1].size, 8);
  struct stat info {};
  REQUIRE(::fstat(file.get(), &info) == 0);
  CHECK_EQ(times.marks()[1].wall_ms,
           std::int64_t{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000);
}

TEST(log_keeper_never_writes_behind_half_a_mark) {
  for (const char* torn : {"4", "4 17", "4 1700000000000"}) {
    Place place;
    const Fd file = place.log(1);
    REQUIRE(write_all(file.get(), "one\ntwo\n"));
    REQUIRE(
        replace_file(place.path + "/logs/a.1.1.times", std::string("2 1600000000000\n") + torn));
    place.look(1, true, kMiB);
    const LogTimes times = LogTimes::parse(place.content("a.1.1.times"));
    REQUIRE(times.marks().size() == 2);
    CHECK_EQ(times.marks()[0].size, 2);
    CHECK_EQ(times.marks()[1].size, 8);
    CHECK(times.marks()[1].wall_ms > 1'700'000'000'000);
  }
}

TEST(log_keeper_thins_a_long_index) {
  Place place;
  const Fd file = place.log(1);
  REQUIRE(write_all(file.get(), std::string(1'000'000, 'x')));
  std::string index;
  for (int i = 1; i <= 70'000; ++i) index += std::to_string(i) + " 1700000000000\n";
  REQUIRE(replace_file(place.path + "/logs/a.1.1.times", index));
  place.look(1, true, 2 * kMiB);
  const auto times = LogTimes::parse(place.content("a.1.1.times"));
  CHECK(times.marks().size() <= 16U * 1024);
  CHECK_EQ(times.marks().back().size, 1'000'000);
}

}  // namespace dm::worker
