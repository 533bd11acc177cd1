// A small journal replaced at once, and one that cannot be: files are the real ones.
#include "common/io/journal_rewrite.h"

#include <sys/stat.h>

#include "tests/unit/check.h"
#include "tests/unit/temp_directory.h"

using namespace dm;
using namespace dm::test;

namespace {

// What a journal in `directory` holds, a record a line; `journal` is it, open.
std::string read(const TempDirectory& directory, std::optional<JournalFile>& journal) {
  std::string records, notice;
  auto opened = JournalFile::open(
      directory.path(), "worker",
      [&](const Line& record, std::int64_t) {
        records += std::string(record.text("of")) + " ";
        return Status();
      },
      &notice);
  CHECK(opened.has_value());
  if (opened) journal.emplace(std::move(*opened));
  return records + notice;
}

void write(JournalFile& journal, const std::string& what) {
  journal.add(Line("RECORD").add("of", what));
  CHECK(journal.write().has_value());
}

}  // namespace

TEST(journal_rewrite_replaces_a_small_one_at_once) {
  TempDirectory directory;
  std::optional<JournalFile> journal;
  CHECK_EQ(read(directory, journal), "");
  for (const char* what : {"one", "two", "three"}) write(*journal, what);
  bool is_lost = true;
  CHECK(replace_at_once(*journal, {Line("RECORD").add("of", "all")}, &is_lost).has_value());
  CHECK(!is_lost);
  write(*journal, "four");
  CHECK_EQ(read(directory, journal), "all four ");
}

TEST(journal_rewrite_that_fails_leaves_the_old_one_as_it_was) {
  TempDirectory directory;
  std::optional<JournalFile> journal;
  CHECK_EQ(read(directory, journal), "");
  write(*journal, "one");
  CHECK_EQ(::mkdir((directory.path() + "/journal.tmp").c_str(), 0700), 0);
  bool is_lost = true;
  CHECK(!replace_at_once(*journal, {Line("RECORD").add("of", "all")}, &is_lost).has_value());
  CHECK(!is_lost);
  write(*journal, "two");
  CHECK_EQ(read(directory, journal), "one two ");
}
