#include "master/io/tail_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/files.h"
#include "tests/unit/check.h"
#include "tests/unit/temp_directory.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

bool is_there(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

}  // namespace

TEST(tail_files_are_whole_private_and_the_latest) {
  const TempDirectory temp;
  const TailFiles files(temp.path());
  CHECK(!files.read("web.1"));
  CHECK(files.list().empty());
  REQUIRE(files.save({"web.1", "w1", 1, 5, "one\n"}).has_value());
  const auto size = files.save({"web.1", "w1", 2, 6, "two\n"});
  REQUIRE(size.has_value());
  const auto read = files.read("web.1");
  REQUIRE(read.has_value());
  CHECK_EQ(read->text, "two\n");
  struct stat info {};
  REQUIRE(::stat((temp.path() + "/tails/web.1").c_str(), &info) == 0);
  CHECK_EQ(info.st_mode & 0777, 0600U);
  CHECK_EQ(info.st_size, *size);
  CHECK(!is_there(temp.path() + "/tails/web.1.new"));
  files.remove({"web.1", "nosuch.1", "../lock"});
  CHECK(!files.read("web.1"));
}

TEST(tail_files_take_no_other_name_and_follow_no_link) {
  const TempDirectory temp;
  const TailFiles files(temp.path());
  CHECK(!files.save({"../web.1", "w1", 1, 5, "x"}).has_value());
  CHECK(!files.save({"web", "w1", 1, 5, "x"}).has_value());
  REQUIRE(files.save({"web.1", "w1", 1, 5, "x"}).has_value());
  const std::string victim = temp.path() + "/victim", place = temp.path() + "/tails/";
  REQUIRE(replace_file(victim, "mine"));
  REQUIRE(::symlink(victim.c_str(), (place + "web.2").c_str()) == 0);
  REQUIRE(::symlink(victim.c_str(), (place + "web.3.new").c_str()) == 0);
  CHECK(!files.read("web.2"));
  REQUIRE(files.save({"web.2", "w1", 1, 5, "x"}).has_value());
  REQUIRE(files.save({"web.3", "w1", 1, 5, "x"}).has_value());
  CHECK_EQ(read_file(victim).value(), "mine");
  // Of another instance, or cut: as if it were not there.
  REQUIRE(::rename((place + "web.3").c_str(), (place + "web.4").c_str()) == 0);
  CHECK(!files.read("web.4"));
  REQUIRE(::truncate((place + "web.2").c_str(), 20) == 0);
  CHECK(!files.read("web.2"));
}

TEST(tail_files_are_listed_and_the_rest_is_swept) {
  const TempDirectory temp;
  const TailFiles files(temp.path());
  REQUIRE(files.save({"web.1", "w1", 7, 5, "x"}).has_value());
  REQUIRE(files.save({"web.2", "w1", 1, 5, "y"}).has_value());
  const auto size = files.save({"web.3", "w1", 1, 5, "z"});
  const std::string place = temp.path() + "/tails/";
  // A power failure has cut it.
  REQUIRE(::truncate((place + "web.2").c_str(), *size - 1) == 0);
  REQUIRE(replace_file(place + "web.9.new", "half"));
  const auto found = files.list();
  REQUIRE(found.size() == 2U);
  const std::size_t first = found[0].instance == "web.1" ? 0 : 1;
  CHECK_EQ(found[first].instance + " " + found[1 - first].instance, "web.1 web.3");
  CHECK_EQ(found[first].run, 7);
  CHECK_EQ(found[first].bytes, *size);
  CHECK(!is_there(place + "web.2"));
  CHECK(!is_there(place + "web.9.new"));
}
