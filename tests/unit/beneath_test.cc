#include "common/io/beneath.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "common/io/files.h"
#include "common/io/system.h"
#include "tests/unit/check.h"
#include "tests/unit/temp_directory.h"

namespace dm {
namespace {

using Opener = Fd (*)(int, const std::string&, int, mode_t);
constexpr Opener kOpeners[] = {&open_beneath, &open_beneath_by_steps};

// TOP/in/deep/file and TOP/secret, with TOP/in open.
struct Place {
  Place() {
    made = make_directories(temp.path() + "/in/deep").has_value() &&
           replace_file(temp.path() + "/in/deep/file", "inside").has_value() &&
           replace_file(temp.path() + "/secret", "outside").has_value();
    in.reset(::open((temp.path() + "/in").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  bool link(const std::string& to, const std::string& name) const {
    return ::symlinkat(to.c_str(), in.get(), name.c_str()) == 0;
  }
  bool secret_is_whole() const {
    const auto text = read_file(temp.path() + "/secret");
    return text && *text == "outside";
  }
  test::TempDirectory temp;
  Fd in;
  bool made = false;
};

int error_of(Opener open, const Place& place, const std::string& path, int flags = O_RDONLY) {
  errno = 0;
  return open(place.in.get(), path, flags, 0600).valid() ? 0 : errno;
}

}  // namespace

TEST(beneath_opens_what_is_there) {
  const Place place;
  REQUIRE(place.made);
  for (const Opener open : kOpeners) {
    const Fd file = open(place.in.get(), "deep/file", O_RDONLY, 0);
    REQUIRE(file.valid());
    CHECK_EQ(read_whole(file.get(), "file").value(), "inside");
    CHECK((::fcntl(file.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK_EQ(error_of(open, place, "deep/none"), ENOENT);
    CHECK_EQ(error_of(open, place, "none/file"), ENOENT);
    CHECK_EQ(error_of(open, place, "deep/new", O_WRONLY | O_CREAT | O_EXCL), 0);
    CHECK_EQ(::unlinkat(place.in.get(), "deep/new", 0), 0);
  }
}

TEST(beneath_takes_plain_names_only) {
  const Place place;
  REQUIRE(place.made);
  const std::string absolute = place.temp.path() + "/secret";
  for (const Opener open : kOpeners)
    for (const std::string& path : {std::string("../secret"), std::string("deep/../../secret"),
                                    absolute, std::string(), std::string("."), std::string("deep/"),
                                    std::string("deep//file"), std::string("./deep/file")})
      CHECK_EQ(error_of(open, place, path), EINVAL);
}

TEST(beneath_follows_no_link_at_any_step) {
  const Place place;
  REQUIRE(place.made);
  REQUIRE(place.link("../secret", "last") && place.link("..", "up") && place.link("deep", "aside"));
  REQUIRE(place.link("../new", "dangling") && place.link("/proc/self/cwd", "magic"));
  const std::vector<int> refused = {ELOOP, ENOTDIR};
  for (const Opener open : kOpeners) {
    for (const char* path : {"last", "up/secret", "aside/file", "magic/file", "up"}) {
      const int error = error_of(open, place, path);
      CHECK(std::count(refused.begin(), refused.end(), error) == 1);
    }
    for (const int flags : {O_WRONLY | O_TRUNC, O_WRONLY | O_CREAT | O_TRUNC})
      CHECK_EQ(error_of(open, place, "last", flags), ELOOP);
    CHECK_EQ(error_of(open, place, "dangling", O_WRONLY | O_CREAT), ELOOP);
  }
  CHECK(place.secret_is_whole());
  CHECK(!is_beneath(place.in.get(), "../new"));
}

TEST(beneath_file_is_a_file_and_waits_for_nobody) {
  const Place place;
  REQUIRE(place.made);
  REQUIRE(::mkfifoat(place.in.get(), "fifo", 0600) == 0);
  REQUIRE(place.link("/dev/null", "device"));
  for (const char* path : {"fifo", "device", "deep"})
    for (const int flags : {O_RDONLY, O_WRONLY | O_APPEND, O_RDWR})
      CHECK(open_file_beneath(place.in.get(), path, flags).error().code == Code::kDenied);
  const auto file = open_file_beneath(place.in.get(), "deep/file", O_WRONLY | O_APPEND);
  REQUIRE(file);
  CHECK_EQ(::fcntl(file->get(), F_GETFL) & (O_NONBLOCK | O_APPEND), O_APPEND);
}

TEST(beneath_file_with_a_second_name_is_not_written) {
  const Place place;
  REQUIRE(place.made);
  REQUIRE(::link((place.temp.path() + "/secret").c_str(),
                 (place.temp.path() + "/in/hard").c_str()) == 0);
  CHECK(open_file_beneath(place.in.get(), "hard", O_RDONLY));
  CHECK(open_file_beneath(place.in.get(), "hard", O_WRONLY).error().code == Code::kDenied);
}

TEST(beneath_own_file_replaces_what_was_laid_there) {
  const Place place;
  REQUIRE(place.made);
  REQUIRE(place.link("../secret", "link") && ::mkfifoat(place.in.get(), "deep/fifo", 0600) == 0);
  REQUIRE(::link((place.temp.path() + "/secret").c_str(),
                 (place.temp.path() + "/in/hard").c_str()) == 0);
  for (const char* path : {"link", "deep/fifo", "hard"}) {
    const auto file = own_file_beneath(place.in.get(), path, O_WRONLY | O_APPEND, 0640);
    REQUIRE(file);
    CHECK(write_all(file->get(), "log\n"));
    // The second time it is ours, and stays.
    const auto again = own_file_beneath(place.in.get(), path, O_RDWR | O_APPEND, 0640);
    REQUIRE(again);
    CHECK_EQ(read_whole(again->get(), path).value(), "log\n");
  }
  CHECK(place.secret_is_whole());
  // A directory is more than a name can be taken from.
  CHECK(own_file_beneath(place.in.get(), "deep", O_WRONLY, 0640).error().code == Code::kDenied);
}

TEST(beneath_makes_directories_through_no_link) {
  const Place place;
  REQUIRE(place.made);
  CHECK(make_directory_beneath(place.in.get(), "a/b/c"));
  CHECK(make_directory_beneath(place.in.get(), "a/b/c"));
  CHECK(open_directory_beneath(place.in.get(), "a/b/c"));
  REQUIRE(place.link("..", "up"));
  CHECK(!make_directory_beneath(place.in.get(), "up/new"));
  CHECK(!make_directory_beneath(place.in.get(), "../new"));
  CHECK(!is_beneath(place.in.get(), "../new"));
  CHECK(!make_directory_beneath(place.in.get(), "deep/file"));
}

TEST(beneath_lists_names) {
  const Place place;
  REQUIRE(place.made);
  const Fd deep = open_beneath(place.in.get(), "deep", O_RDONLY | O_DIRECTORY);
  CHECK_EQ(names_in(deep.get()).size(), 1U);
  CHECK_EQ(names_in(deep.get()).size(), 1U);  // each time from the start
  CHECK_EQ(names_in(deep.get(), 0).size(), 0U);
}

}  // namespace dm
