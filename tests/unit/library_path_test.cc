#include "common/library_path.h"

#include <algorithm>

#include "tests/unit/check.h"

using namespace dm;

namespace {
using Strings = std::vector<std::string>;
}

TEST(library_path_expands_origin_and_drops_what_is_relative) {
  CHECK(expand_run_path("$ORIGIN/../lib:${ORIGIN}:/opt/x", "/home/a") ==
        (Strings{"/home/a/../lib", "/home/a", "/opt/x"}));
  CHECK(expand_run_path(":lib::./x:", "/o").empty());
  CHECK(expand_run_path("/usr/$LIB:/a/${PLATFORM}:/b", "/o") == Strings{"/b"});
  CHECK(expand_run_path("$ORIGIN/x", "/we$LIBird") == Strings{"/we$LIBird/x"});
  CHECK(expand_run_path("", "/o").empty());
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "/d:";
  CHECK_EQ(expand_run_path(many, "/o").size(), 64u);
}

TEST(library_path_knows_the_systems_directories) {
  for (const std::string_view system :
       {"/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/lib/a/b"})
    CHECK(is_system_directory(system));
  for (const std::string_view other :
       {"/", "/usr", "/library", "/usr/local/lib", "/opt/lib", "/home/a/usr/lib", "/usr/libexec"})
    CHECK(!is_system_directory(other));
}

TEST(library_path_knows_glibc) {
  for (const std::string_view part :
       {"libc.so.6", "libm.so.6", "libpthread.so.0", "ld-linux-x86-64.so.2", "ld-linux.so.2"})
    CHECK(is_part_of_glibc(part));
  for (const std::string_view other : {"libcurl.so.4", "libc.so.7", "libstdc++.so.6", "libm"})
    CHECK(!is_part_of_glibc(other));
}

TEST(library_path_defaults_begin_with_multiarch) {
  const auto directories = default_library_directories("aarch64");
  REQUIRE(directories.size() > 2);
  CHECK_EQ(directories[0], "/lib/aarch64-linux-gnu");
  CHECK_EQ(directories[1], "/usr/lib/aarch64-linux-gnu");
  for (const std::string_view wanted : {"/lib", "/usr/lib", "/lib64", "/usr/lib64"})
    CHECK(std::find(directories.begin(), directories.end(), wanted) != directories.end());
  CHECK_EQ(default_library_directories("other").front(), "/lib");
}

TEST(library_path_reads_a_config) {
  const auto config = parse_library_config(
      "# comment\n\n/a # tail\n  include conf.d/*.conf\t/x/*.conf\r\n"
      "hwcap 0 nosegneg\n/b,/c:/d /e=libc6\nrelative/dir\ninclude\n\tinclude y");
  Strings seen;
  for (const auto& entry : config.entries) seen.push_back((entry.include ? "+" : "") + entry.text);
  CHECK(seen == (Strings{"/a", "+conf.d/*.conf", "+/x/*.conf", "/b", "/c", "/d", "/e", "+y"}));
  CHECK(parse_library_config("").entries.empty());
}
