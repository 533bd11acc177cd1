#include "common/manifest.h"

#include <algorithm>

#include "common/sha256.h"
#include "tests/unit/check.h"

using namespace dm;

namespace {

Manifest example() {
  const std::string hash(64, 'a');
  Manifest manifest;
  manifest.app = "redis";
  manifest.exe = "redis-server";
  manifest.arch = "x86_64";
  manifest.interpreter = "/lib64/ld-linux-x86-64.so.2";
  manifest.glibc = "2.34";
  manifest.files = {{FileKind::kFile, "my conf.txt", hash, 0, 0644},
                    {FileKind::kLib, "libz.so.1", hash, 3, 0644},
                    {FileKind::kExe, "redis-server", hash, 1'099'511'627'776, 0755},
                    {FileKind::kLib, "liba.so.1", hash, 2, 0755}};
  manifest.needs = {{"libm.so.6", ""}, {"libc.so.6", "GLIBC_2.34"}, {"libc.so.6", ""}};
  return manifest;
}

const std::string kHash(64, 'a');
const std::string kExample =
    "MANIFEST format=1 app=redis exe=redis-server arch=x86_64 interp=/lib64/ld-linux-x86-64.so.2"
    " glibc=2.34\n"
    "FILE kind=exe name=redis-server sha256=" +
    kHash +
    " size=1099511627776 mode=755\n"
    "FILE kind=lib name=liba.so.1 sha256=" +
    kHash +
    " size=2 mode=755\n"
    "FILE kind=lib name=libz.so.1 sha256=" +
    kHash +
    " size=3 mode=644\n"
    "FILE kind=file name=my%20conf.txt sha256=" +
    kHash +
    " size=0 mode=644\n"
    "NEED lib=libc.so.6\n"
    "NEED lib=libc.so.6 version=GLIBC_2.34\n"
    "NEED lib=libm.so.6\n";

// The smallest manifest there is, with parts of it replaced.
std::string small(const std::string& from, const std::string& to) {
  std::string text =
      "MANIFEST format=1 app=x exe=x arch=any\nFILE kind=exe name=x sha256=" + kHash +
      " size=1 mode=755\nNEED lib=libc.so.6\n";
  const auto at = text.find(from);
  return at == text.npos ? "pattern not found" : text.replace(at, from.size(), to);
}

std::string error_of(const std::string& text) {
  const auto parsed = parse_manifest(text);
  return parsed ? "none" : parsed.error().message;
}

}  // namespace

TEST(manifest_prints_one_form_whatever_the_order) {
  Manifest manifest = example();
  CHECK_EQ(print_manifest(manifest), kExample);
  std::reverse(manifest.files.begin(), manifest.files.end());
  std::reverse(manifest.needs.begin(), manifest.needs.end());
  manifest.needs.push_back(manifest.needs.front());
  CHECK_EQ(print_manifest(manifest), kExample);
}

TEST(manifest_reads_what_it_prints) {
  const auto manifest = parse_manifest(kExample);
  REQUIRE(manifest.has_value());
  CHECK_EQ(manifest->app, "redis");
  CHECK_EQ(manifest->exe, "redis-server");
  CHECK_EQ(manifest->interpreter, "/lib64/ld-linux-x86-64.so.2");
  CHECK_EQ(manifest->glibc, "2.34");
  REQUIRE(manifest->files.size() == 4);
  CHECK_EQ(manifest->files[0].size, 1'099'511'627'776);
  CHECK_EQ(manifest->files[3].name, "my conf.txt");
  CHECK_EQ(manifest->files[0].mode, 0755u);
  CHECK_EQ(manifest->needs.size(), 3u);
  CHECK_EQ(print_manifest(*manifest), kExample);
  CHECK_EQ(error_of(small("NEED lib=libc.so.6\n", "")), "none");
}

TEST(manifest_refuses_names_that_are_paths_or_options) {
  for (const std::string bad : {"", ".", "..", "a/b", "/a", "../a", "-x", "a%0Ab", "a%7Fb", "a%01"})
    CHECK(error_of(small("name=x", "name=" + bad)).starts_with("bad manifest: line 2: bad name"));
  CHECK(is_file_name(std::string(255, 'n')));
  CHECK(!is_file_name(std::string(256, 'n')));
  CHECK(!is_file_name(std::string_view("a\0b", 3)));
  CHECK(is_file_name("..."));
  CHECK(is_file_name("caf\xc3\xa9 1"));
}

TEST(manifest_refuses_bad_values) {
  const struct {
    std::string from, to, says;
  } rows[] = {
      {"format=1", "format=2", "line 1: unknown format '2', this program knows 1"},
      {"MANIFEST", "FILE", "line 1: no MANIFEST"},
      {"app=x", "app=all", "line 1: bad app 'all'"},
      {"app=x", "app=../x", "line 1: bad app '../x'"},
      {"arch=any", "arch=", "line 1: bad arch ''"},
      {"arch=any", "arch=any interp=sh", "line 1: bad interp 'sh'"},
      {"arch=any", "arch=any glibc=2.", "line 1: bad glibc '2.'"},
      {"kind=exe", "kind=dir", "line 2: bad kind 'dir'"},
      {"sha256=a", "sha256=A", "line 2: bad sha256 'A" + std::string(59, 'a') + "...'"},
      {"size=1", "size=-1", "line 2: bad size '-1'"},
      {"mode=755", "mode=4755", "line 2: bad mode '4755'"},
      {"mode=755", "mode=758", "line 2: bad mode '758'"},
      {"lib=libc.so.6", "lib=a/libc.so.6", "line 3: bad lib 'a/libc.so.6'"},
      {"NEED", "WANT", "line 3: unknown word WANT"},
      {"exe name=x", "exe name=y", "its executable is not the one in the first line"},
      {"kind=exe", "kind=lib", "it has no executable"},
      {"NEED lib=libc.so.6\n", "NEED lib=libc.so.6", "its last line has no end"},
  };
  for (const auto& row : rows)
    CHECK_EQ(error_of(small(row.from, row.to)), "bad manifest: " + row.says);
  CHECK(!parse_manifest("").has_value());
}

TEST(manifest_refuses_every_other_spelling) {
  for (const auto& [from, to] : {std::pair{"app=x exe=x", "exe=x app=x"},
                                 {"size=1", "size=01"},
                                 {"name=x", "name=%78"},
                                 {"arch=any", "arch=any interp2=/x"},
                                 {"NEED lib=libc.so.6\n", "NEED lib=b\nNEED lib=a\n"},
                                 {"NEED lib=libc.so.6\n", "NEED lib=a\nNEED lib=a\n"}})
    CHECK_EQ(error_of(small(from, to)), "bad manifest: not in its canonical form");
}

TEST(manifest_refuses_two_of_a_name_but_not_across_kinds) {
  const std::string lib = "FILE kind=lib name=x sha256=" + kHash + " size=1 mode=755\n";
  CHECK_EQ(error_of(small("NEED", lib + "NEED")), "none");
  CHECK_EQ(error_of(small("NEED", lib + lib + "NEED")),
           "bad manifest: it has two of kind lib named 'x'");
  const std::string exe = "FILE kind=exe name=y sha256=" + kHash + " size=1 mode=755\n";
  CHECK_EQ(error_of(small("NEED", exe + "NEED")), "bad manifest: it has two executables");
}

TEST(manifest_is_bounded) {
  const auto with_files = [](int count) {
    std::string files;
    for (int i = 1; i < count; ++i)
      files += "FILE kind=lib name=" + std::to_string(10000 + i) + " sha256=" + kHash +
               " size=1 mode=755\n";
    return parse_manifest(small("NEED", files + "NEED"));
  };
  CHECK(with_files(4096).has_value());
  REQUIRE(!with_files(4097).has_value());
  CHECK(with_files(4097).error().code == Code::kTooLong);
  const auto large = parse_manifest(kExample + std::string(kMaxManifest, 'x'));
  CHECK(!large.has_value() && large.error().code == Code::kTooLong);
}

TEST(manifest_survives_every_cut) {
  for (std::size_t size = 0; size < kExample.size(); ++size) {
    const auto cut = parse_manifest(kExample.substr(0, size));
    // Only a cut between lines leaves a manifest, and that of another version.
    if (cut) CHECK(kExample[size - 1] == '\n' && print_manifest(*cut) == kExample.substr(0, size));
  }
}
