#include "common/io/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

TEST(files_fill_the_standard_ones_that_are_missing) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(STDIN_FILENO);
    ::close(STDERR_FILENO);
    fill_standard_files();
    const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    const bool is_beyond = next > STDERR_FILENO;
    const bool is_kept = ::fcntl(STDERR_FILENO, F_GETFD) == 0;  // over an exec
    // The end of a file, and an error: nothing is written in vain.
    char byte = 0;
    const bool works = ::read(STDIN_FILENO, &byte, 1) == 0 && ::write(STDERR_FILENO, &byte, 1) < 0;
    ::_exit(is_beyond && is_kept && works ? 0 : 1);
  }
  int status = 1;
  CHECK(::waitpid(child, &status, 0) == child && status == 0);
}
