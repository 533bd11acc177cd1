#include "common/io/files.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/check.h"
#include "tests/unit/temp_directory.h"

using namespace dm;

TEST(lock_empties_no_file_of_another_name) {
  const test::TempDirectory temp;
  const std::string other = temp.path() + "/other", lock = temp.path() + "/lock";
  REQUIRE(replace_file(other, "precious"));
  REQUIRE(::link(other.c_str(), lock.c_str()) == 0);
  const auto locked = lock_directory(temp.path());
  REQUIRE(!locked);
  CHECK(locked.error().code == Code::kDenied);
  CHECK(locked.error().message.starts_with(lock));
  CHECK_EQ(*read_file(other, 100), "precious");
  REQUIRE(::unlink(lock.c_str()) == 0);
  REQUIRE(::mkfifo(lock.c_str(), 0600) == 0);
  CHECK(!lock_directory(temp.path()));
  REQUIRE(::unlink(lock.c_str()) == 0);
  CHECK(lock_directory(temp.path()));
}
