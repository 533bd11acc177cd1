#include "master/io/history_files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/fd.h"
#include "common/io/files.h"
#include "common/io/remove_tree.h"
#include "common/journal.h"
#include "tests/unit/check.h"

using namespace dm;
using namespace dm::master;

namespace {

Line ended(int run) {
  return Line("ENDED").add("instance", "web.1").add("run", run).add("reason", "exit code 0");
}

// A state directory with a journal: a snapshot, then the ends of runs FIRST to LAST, each of the
// number of its run, with something that is no audit record between any two.
class Place {
 public:
  Place() {
    char name[] = "/tmp/dm-history-XXXXXX";
    if (::mkdtemp(name) != nullptr) path_ = name;
  }
  ~Place() { (void)remove_tree(path_); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  void write_journal(int first, int last) {
    const std::string head = print_journal("master", {ended(first - 1)}, {}, first);
    from_ = static_cast<std::int64_t>(head.size());
    std::string text = head;
    for (int run = first; run <= last; ++run)
      text += seal_record(run % 2 == 0 ? ended(run) : Line("ACKED").add("worker", "w1"), run);
    until_ = static_cast<std::int64_t>(text.size());
    CHECK(replace_file(path_ + "/journal", text).has_value());
  }
  Status save(const HistoryFiles& files) const {
    const Fd journal(::open((path_ + "/journal").c_str(), O_RDONLY | O_CLOEXEC));
    return files.save(journal.get(), from_, until_);
  }
  std::string read(const HistoryFiles& files, std::int64_t from = 0) const {
    std::string numbers;
    (void)HistoryFiles::read(files.open(from),
                             [&](std::string_view row) { numbers += number(row); });
    return numbers;
  }
  static std::string number(std::string_view row) {
    const auto record = open_record(row);
    return record ? std::to_string(record->seq) + " " : "bad ";
  }
  HistoryFiles files(std::int64_t segment_bytes) const { return {path_, segment_bytes}; }
  std::string segment(int first) const {
    char name[32];
    ::snprintf(name, sizeof name, "/history/%020d", first);
    return path_ + name;
  }
  bool has_segment(int first) const {
    struct stat info {};
    return ::stat(segment(first).c_str(), &info) == 0;
  }

 private:
  std::string path_;
  std::int64_t from_ = 0, until_ = 0;
};

}  // namespace

TEST(history_files_save_each_record_once_however_often_it_is_tried) {
  Place place;
  const HistoryFiles files = place.files(1 << 20);
  place.write_journal(10, 20);
  CHECK(place.save(files).has_value());
  // A crash before the rename: the old journal is there still, and has gone on.
  place.write_journal(10, 24);
  CHECK(place.save(files).has_value());
  CHECK(place.save(files).has_value());
  place.write_journal(25, 26);
  CHECK_EQ(place.read(files), "10 12 14 16 18 20 22 24 25 26 ");
  CHECK(place.has_segment(10));
  CHECK(place.has_segment(22));
}

TEST(history_files_are_cut_by_segments_and_counted) {
  Place place;
  const std::int64_t row = static_cast<std::int64_t>(seal_record(ended(10), 10).size());
  const HistoryFiles files = place.files(2 * row);
  place.write_journal(10, 21);
  CHECK(place.save(files).has_value());
  place.write_journal(22, 22);
  CHECK_EQ(place.read(files), "10 12 14 16 18 20 22 ");
  CHECK_EQ(files.excess(0, 1 << 20).before, 0);
  // Three segments of two records each, and their first lines.
  struct stat info {};
  CHECK_EQ(::stat(place.segment(10).c_str(), &info), 0);
  const HistoryExcess excess = files.excess(0, 2 * info.st_size + 10);
  CHECK_EQ(excess.runs, 2);
  CHECK_EQ(excess.records, 2);
  CHECK_EQ(excess.bytes, info.st_size);
  // What is cut is not shown, whether its file is gone already or not.
  CHECK_EQ(place.read(files, excess.before), "14 16 18 20 22 ");
  CHECK_EQ(files.excess(excess.before, 0).runs, 2);
  files.remove_before(excess.before);
  CHECK(!place.has_segment(10));
  CHECK(place.has_segment(14));
  CHECK_EQ(place.read(files), "14 16 18 20 22 ");
  CHECK_EQ(excess.before, 14);
  CHECK_EQ(files.excess(0, 0).runs, 2);
}

TEST(history_files_newest_are_read_alone) {
  Place place;
  const std::int64_t row = static_cast<std::int64_t>(seal_record(ended(10), 10).size());
  const HistoryFiles files = place.files(2 * row);
  place.write_journal(10, 21);
  CHECK(place.save(files).has_value());
  std::string numbers;
  std::int64_t older = 0;
  const auto take = [&](std::string_view text) { numbers += Place::number(text); };
  CHECK_EQ(files.read_newest(0, 3, older, take), 0);
  CHECK_EQ(numbers, "14 16 18 20 ");
  CHECK_EQ(older, 2);
  numbers.clear();
  CHECK_EQ(files.read_newest(14, 100, older, take), 0);
  CHECK_EQ(numbers, "14 16 18 20 ");
  CHECK_EQ(older, 0);
}

TEST(history_files_that_are_damaged_hide_nothing_else) {
  Place place;
  const std::int64_t row = static_cast<std::int64_t>(seal_record(ended(10), 10).size());
  const HistoryFiles files = place.files(2 * row);
  place.write_journal(10, 21);
  CHECK(place.save(files).has_value());
  std::string text = *read_file(place.segment(14));
  text[text.find("run=14")] = 'X';
  text[0] = 'X';
  CHECK(replace_file(place.segment(14), text).has_value());
  place.write_journal(22, 22);
  CHECK_EQ(place.read(files), "10 12 bad 16 18 20 22 ");
  CHECK_EQ(files.excess(0, 0).records, 4);
  // A file of another name is none of ours.
  CHECK(replace_file(place.segment(1) + ".tmp", "x").has_value());
  CHECK_EQ(place.read(files), "10 12 bad 16 18 20 22 ");
}

TEST(history_files_refuse_to_save_what_is_damaged) {
  Place place;
  const HistoryFiles files = place.files(1 << 20);
  place.write_journal(10, 20);
  const Fd journal(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  CHECK(files.save(journal.get(), 0, 100).has_value());
  char name[] = "/tmp/dm-history-bad-XXXXXX";
  const Fd bad(::mkstemp(name));
  ::unlink(name);
  CHECK(write_all(bad.get(), "ENDED instance=web.1 seq=3 len=1 crc=0\n").has_value());
  CHECK(!files.save(bad.get(), 0, 100).has_value());
}

TEST(history_files_are_checked_and_the_flaws_named) {
  Place place;
  const std::int64_t row = static_cast<std::int64_t>(seal_record(ended(10), 10).size());
  const HistoryFiles files = place.files(2 * row);
  CHECK_EQ(files.check().segments, 0U);
  place.write_journal(10, 21);
  REQUIRE(place.save(files).has_value());
  CHECK_EQ(files.check().segments, 3U);
  CHECK_EQ(files.check().records, 6);
  CHECK(files.check().flaws.empty());
  auto text = read_file(place.segment(14));
  REQUIRE(text.has_value());
  const std::size_t at = text->find("ENDED");
  text->replace(at, 5, "ENDER");
  REQUIRE(replace_file(place.segment(14), *text).has_value());
  const auto checked = files.check();
  CHECK_EQ(checked.records, 4);
  REQUIRE(checked.flaws.size() == 1U);
  CHECK_EQ(checked.flaws[0].path, place.segment(14));
  CHECK_EQ(checked.flaws[0].offset, static_cast<std::int64_t>(at));
}

TEST(history_files_half_written_are_swept) {
  Place place;
  const HistoryFiles files = place.files(1 << 20);
  files.sweep();
  place.write_journal(10, 20);
  REQUIRE(place.save(files).has_value());
  const std::string left = place.segment(22) + ".tmp";
  REQUIRE(replace_file(left, "JOURNAL form").has_value());
  files.sweep();
  CHECK(!read_file(left).has_value());
  CHECK_EQ(files.check().segments, 1U);
  CHECK_EQ(files.check().records, 6);
}
