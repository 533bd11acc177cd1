#include "common/probe.h"

#include "tests/unit/check.h"

using namespace dm;

namespace {

using Strings = std::vector<std::string>;

HostLibraries debian() {
  HostLibraries host;
  host.arch = "x86_64";
  host.has_interpreter = true;
  host.libraries = {{"libc.so.6", {"GLIBC_2.2.5", "GLIBC_2.36", "GLIBC_2.4", "GLIBC_PRIVATE"}},
                    {"libplain.so.1", {}}};
  return host;
}

Strings missing(std::vector<Manifest::Need> needs) {
  return missing_needs({"x86_64", "/lib64/ld.so", std::move(needs)}, debian());
}

}  // namespace

TEST(probe_is_content_with_what_is_there) {
  CHECK(missing({}).empty());
  CHECK(missing({{"libc.so.6", ""}, {"libc.so.6", "GLIBC_2.36"}, {"libc.so.6", "GLIBC_2.4"}})
            .empty());
  // ld.so accepts a library without version definitions for any version.
  CHECK(missing({{"libplain.so.1", "PLAIN_7"}}).empty());
  CHECK(missing_needs({"any", "/bin/sh", {}}, debian()).empty());
}

TEST(probe_names_what_is_missing) {
  CHECK(missing({{"libc.so.6", "GLIBC_2.38"}}) ==
        Strings{"needs GLIBC_2.38 of libc.so.6, has up to GLIBC_2.36"});
  CHECK(missing({{"libpq.so.5", ""}, {"libpq.so.5", "RHPG_9.6"}}) ==
        Strings{"needs libpq.so.5, which is not in the library path"});
  CHECK(missing({{"/opt/liba.so", ""}}) == Strings{"needs /opt/liba.so, which is not there"});
  CHECK(missing({{"libc.so.6", "GLIBCXX_3"}}) ==
        Strings{"needs GLIBCXX_3 of libc.so.6, which lacks it"});
  CHECK(missing({{"libc.so.6", "GLIBC_2.5"}}) ==
        Strings{"needs GLIBC_2.5 of libc.so.6, which lacks it"});
  CHECK(missing({{"lib\x1b[1m.so", ""}}) ==
        Strings{"needs lib\\x1B[1m.so, which is not in the library path"});
}

TEST(probe_names_the_newest_of_the_missing_versions) {
  CHECK(missing({{"libc.so.6", "GLIBC_2.100"},
                 {"libc.so.6", "GLIBC_2.38"},
                 {"libc.so.6", "GLIBC_2.39"},
                 {"libc.so.6", "GLIBC_2.36"}}) ==
        Strings{"needs GLIBC_2.100 of libc.so.6, has up to GLIBC_2.36"});
}

TEST(probe_looks_at_the_architecture_first) {
  HostLibraries host = debian();
  host.has_interpreter = false;
  CHECK(missing_needs({"aarch64", "/lib/ld-linux-aarch64.so.1", {{"libx.so", ""}}}, host) ==
        Strings{"built for aarch64, this worker is x86_64"});
  CHECK(missing_needs({"any", "/usr/bin/python3", {}}, host) ==
        Strings{"needs the interpreter /usr/bin/python3, which this worker lacks"});
  CHECK(missing_needs({"x86_64", "", {}}, host).empty());
  CHECK(runs_on("i386", "x86_64"));
  CHECK(!runs_on("x86_64", "i386"));
}

TEST(probe_words_of_uname) {
  CHECK_EQ(arch_from_uname("i686"), "i386");
  CHECK_EQ(arch_from_uname("armv7l"), "arm");
  CHECK_EQ(arch_from_uname("x86_64"), "x86_64");
  CHECK_EQ(arch_from_uname("aarch64"), "aarch64");
}

TEST(probe_compares_versions_by_number) {
  const std::string_view ordered[] = {"GLIBC_2.2.5", "GLIBC_2.4",
                                      "GLIBC_2.34",  "GLIBC_2.34.1",
                                      "GLIBC_10.0",  "GLIBC_99999999999999999999999"};
  for (std::size_t a = 0; a < std::size(ordered); ++a)
    for (std::size_t b = 0; b < std::size(ordered); ++b) {
      const int order = compare_versions(ordered[a], ordered[b]);
      CHECK_EQ(order < 0, a < b);
      CHECK_EQ(order > 0, a > b);
    }
}

TEST(probe_finds_the_newest_glibc) {
  CHECK_EQ(newest_glibc({{"libc.so.6", "GLIBC_2.4"},
                         {"libm.so.6", "GLIBC_2.29"},
                         {"libc.so.6", "GLIBC_PRIVATE"},
                         {"libc.so.6", "GLIBC_ABI_DT_RELR"},
                         {"libstdc++.so.6", "GLIBCXX_3.4"},
                         {"libc.so.6", ""}}),
           "2.29");
  CHECK_EQ(newest_glibc({}), "");
}

TEST(probe_explains_all_that_is_missing) {
  CHECK_EQ(explain_missing({"needs liba.so, which is not in the library path",
                            "needs libb.so, which is not in the library path"}),
           "needs liba.so, which is not in the library path; needs libb.so, which is not in the "
           "library path; --lib FILE takes a library along");
  CHECK_EQ(explain_missing({"built for arm, this worker is x86_64"}),
           "built for arm, this worker is x86_64");
  CHECK(explain_missing(std::vector<std::string>(25, "x")).ends_with("; x; and 5 more"));
}
