#include "common/io/remove_tree.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io/beneath.h"
#include "common/io/files.h"
#include "tests/unit/check.h"
#include "tests/unit/temp_directory.h"

namespace dm {
namespace {

bool is_there(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

// Directories within each other, deeper than any path can say.
bool dig(const std::string& path, int depth) {
  if (::mkdir(path.c_str(), 0755) != 0) return false;
  Fd at(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < depth; ++i) {
    if (::mkdirat(at.get(), "d", 0755) != 0) return false;
    const Fd file(::openat(at.get(), "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    at = open_beneath(at.get(), "d", O_RDONLY | O_DIRECTORY);
    if (!at.valid()) return false;
  }
  return true;
}

}  // namespace

TEST(remove_tree_takes_any_depth_with_few_descriptors) {
  const test::TempDirectory temp;
  const std::string path = temp.path() + "/deep";
  REQUIRE(dig(path, 3000));
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{32, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  const Status removed = remove_tree(path);
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK_EQ(removed ? "" : removed.error().message, "");
  CHECK(!is_there(path));
}

TEST(remove_tree_follows_no_link) {
  const test::TempDirectory temp;
  const std::string tree = temp.path() + "/tree", outside = temp.path() + "/outside";
  REQUIRE(make_directories(tree + "/a/b") && make_directories(outside));
  REQUIRE(replace_file(outside + "/kept", "kept"));
  for (const char* name : {"/link", "/a/link", "/a/b/link"})
    REQUIRE(::symlink(outside.c_str(), (tree + name).c_str()) == 0);
  CHECK(remove_tree(tree));
  CHECK(!is_there(tree));
  CHECK(is_there(outside + "/kept"));
  REQUIRE(::symlink(outside.c_str(), tree.c_str()) == 0);
  CHECK(remove_tree(tree));
  CHECK(!is_there(tree));
  CHECK(is_there(outside + "/kept"));
}

TEST(remove_tree_takes_odd_names_and_modes) {
  const test::TempDirectory temp;
  const std::string tree = temp.path() + "/tree";
  const std::string long_name(255, 'n');
  for (const std::string& name :
       {std::string("new\nline"), std::string("-rf"), std::string("\xff\xfe"), std::string("*"),
        std::string("..."), std::string(" "), std::string("%2e%2e"), long_name}) {
    REQUIRE(make_directories(tree + "/" + name + "/below"));
    REQUIRE(replace_file(tree + "/" + name + "/below/f", name));
  }
  REQUIRE(::mkfifo((tree + "/fifo").c_str(), 0600) == 0);
  // Directories that forbid their owner everything: no hindrance to the one who owns them.
  REQUIRE(::chmod((tree + "/-rf/below").c_str(), 0) == 0);
  REQUIRE(::chmod((tree + "/-rf").c_str(), 0555) == 0);
  REQUIRE(::chmod(tree.c_str(), 0) == 0);
  const auto remove = [&] { return remove_tree(tree).has_value() && !is_there(tree); };
  if (::geteuid() != 0) {
    CHECK(remove());
    return;
  }
  // Root is stopped by no mode, so somebody else tries.
  REQUIRE(::chown(temp.path().c_str(), 65534, 65534) == 0);
  const int changed = ::system(("chown -R 65534:65534 " + temp.path()).c_str());
  REQUIRE(changed == 0);
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(::setuid(65534) == 0 && remove() ? 0 : 1);
  int status = -1;
  CHECK(::waitpid(pid, &status, 0) == pid && status == 0);
}

TEST(remove_tree_of_nothing_is_a_success) {
  const test::TempDirectory temp;
  CHECK(remove_tree(temp.path() + "/none"));
}

}  // namespace dm
