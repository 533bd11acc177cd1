#include "common/io/package.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "common/io/files.h"
#include "common/io/host_libraries.h"
#include "common/io/remove_tree.h"
#include "common/sha256.h"
#include "tests/unit/check.h"
#include "tests/unit/elf_image.h"

using namespace dm;
using namespace dm::test;

namespace {

// A directory of its own for a test, removed with it.
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/dm-package-XXXXXX";
    if (::mkdtemp(name)) path_ = name;
  }
  ~Folder() { (void)remove_tree(path_).has_value(); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& content, mode_t mode = 0755) const {
    const std::string path = *this / name;
    if (!make_directories(parent_directory(path)) || !replace_file(path, content, mode))
      std::abort();
    ::chmod(path.c_str(), mode);
    return path;
  }

 private:
  std::string path_;
};

std::string program(const std::vector<std::string>& needed, const std::string& runpath = "") {
  ElfSpec spec;
  spec.interpreter = "/lib64/ld-linux-x86-64.so.2";
  spec.needed = needed;
  spec.runpath = runpath;
  spec.version_needs = {{"libc.so.6", {"GLIBC_2.34"}}, {"liba.so.1", {"A_1"}}};
  return print_elf(spec);
}

std::string library(const std::string& soname, const std::vector<std::string>& needed = {}) {
  ElfSpec spec;
  spec.soname = soname;
  spec.needed = needed;
  return print_elf(spec);
}

std::string names_of(const Package& package) {
  std::string names;
  for (const auto& file : package.manifest.files)
    names += std::string(word(file.kind)) + ":" + file.name + " ";
  return names;
}
std::string needs_of(const Package& package) {
  std::string needs;
  for (const auto& need : package.manifest.needs)
    needs += need.library + (need.version.empty() ? "" : ":" + need.version) + " ";
  return needs;
}

std::string error_of(const PackageRequest& request) {
  const auto package = make_package(request);
  return package ? "none" : std::string(word(package.error().code)) + " " + package.error().message;
}

}  // namespace

TEST(package_takes_a_script_with_its_files) {
  const Folder folder;
  const auto script = folder.write("Run.sh", "#!/bin/sh\nexit 3\n", 0600);
  const auto config = folder.write("app.conf", std::string(600'000, 'c'), 0600);
  const auto tool = folder.write("tool", "", 0700);
  std::int64_t done = 0, total = 0;
  const auto package =
      make_package({script, {}, {tool, config}, ""}, [&](std::int64_t now, std::int64_t all) {
        CHECK(now > done && now <= all);
        done = now, total = all;
      });
  REQUIRE(package.has_value());
  CHECK_EQ(names_of(*package), "exe:Run.sh file:app.conf file:tool ");
  const Manifest& manifest = package->manifest;
  CHECK_EQ(manifest.app, "run-sh");
  CHECK_EQ(manifest.arch, "any");
  CHECK_EQ(manifest.interpreter, "/bin/sh");
  CHECK(manifest.needs.empty());
  CHECK_EQ(manifest.files[0].mode, 0755u);
  CHECK_EQ(manifest.files[1].mode, 0644u);
  CHECK_EQ(manifest.files[2].mode, 0755u);
  REQUIRE(package->sources.size() == 3);
  CHECK_EQ(package->sources[1].path, config);
  CHECK_EQ(package->sources[1].size, 600'000);
  CHECK_EQ(package->sources[1].sha256, sha256_hex(std::string(600'000, 'c')));
  CHECK_EQ(package->sources[2].sha256, sha256_hex(""));
  CHECK_EQ(done, total);
  CHECK_EQ(total, 600'017);
}

TEST(package_follows_needs_beside_and_along_the_run_path) {
  const Folder folder;
  const auto exe = folder.write(
      "bin/app",
      program({"liba.so.1", "libb.so.1", "libc.so.6", "libgone.so.9"}, "$ORIGIN/../lib"));
  const auto a = folder.write("bin/liba.so.1", library("liba.so.1", {"libdeep.so.1"}));
  const auto b = folder.write("lib/libb.so.1", library("libb.so.1", {"liba.so.1", "libc.so.6"}));
  const auto deep = folder.write("lib/libdeep.so.1", library("libdeep.so.1", {"libb.so.1"}), 0644);
  folder.write("lib/libc.so.6", library("libc.so.6"));  // a part of glibc stays where it is
  const auto package = make_package({exe, {}, {}, "shop"});
  REQUIRE(package.has_value());
  CHECK_EQ(package->manifest.app, "shop");
  CHECK_EQ(names_of(*package), "exe:app lib:liba.so.1 lib:libb.so.1 lib:libdeep.so.1 ");
  CHECK_EQ(needs_of(*package), "libc.so.6 libc.so.6:GLIBC_2.34 libgone.so.9 ");
  CHECK_EQ(package->manifest.glibc, "2.34");
  CHECK_EQ(package->manifest.arch, "x86_64");
  CHECK_EQ(package->taken_along.size(), 3u);
  const auto parsed = parse_manifest(print_manifest(package->manifest));
  REQUIRE(parsed.has_value());
  for (std::size_t i = 0; i < package->sources.size(); ++i) {
    CHECK(parsed->files[i] == package->manifest.files[i]);
    CHECK_EQ(parsed->files[i].sha256, package->sources[i].sha256);
  }
}

TEST(package_takes_named_libraries_first_and_under_the_needed_name) {
  const Folder folder;
  const auto exe = folder.write("app", program({"liba.so.1", "libb.so.1", "libc.so.6"}));
  folder.write("liba.so.1", "beside, but another one is named");
  const auto a = folder.write("other/liba.so.1.2.3", library("liba.so.1"));
  const auto b = folder.write("other/libb.so.1.7", library("libb.so.1"));
  REQUIRE(::symlink("libb.so.1.7", (folder / "other/libb.so.1").c_str()) == 0);
  const auto package = make_package({exe, {a, folder / "other/libb.so.1"}, {}, ""});
  REQUIRE(package.has_value());
  CHECK_EQ(names_of(*package), "exe:app lib:liba.so.1 lib:libb.so.1 ");
  CHECK_EQ(package->sources[1].path, a);
  CHECK_EQ(package->sources[2].sha256, sha256_hex(library("libb.so.1")));
  CHECK(package->taken_along.empty());
}

TEST(package_passes_over_libraries_of_another_machine_and_the_systems) {
  const Folder folder;
  ElfSpec other;
  other.machine = 183;
  const auto exe = folder.write("app", program({"liba.so.1", "libz.so.1"}, "/usr/lib/../lib:/lib"));
  const auto wrong = folder.write("liba.so.1", print_elf(other));
  const auto package = make_package({exe, {}, {}, ""});
  REQUIRE(package.has_value());
  CHECK_EQ(names_of(*package), "exe:app ");
  CHECK_EQ(needs_of(*package), "liba.so.1 liba.so.1:A_1 libz.so.1 ");
  CHECK_EQ(error_of({exe, {wrong}, {}, ""}),
           "bad-arg " + wrong + " is built for aarch64, but " + exe + " for x86_64");
}

TEST(package_sees_through_links_to_the_systems_directories) {
  // Every Debian on x86-64 has these two; elsewhere there is nothing to be found, and so to see.
  const std::string system = "/usr/lib/x86_64-linux-gnu";
  const Folder folder;
  const auto exe = folder.write("app", program({"libgcc_s.so.1"}, "$ORIGIN/system"));
  REQUIRE(::symlink(system.c_str(), (folder / "system").c_str()) == 0);
  const auto package = make_package({exe, {}, {}, ""});
  REQUIRE(package.has_value());
  CHECK_EQ(names_of(*package), "exe:app ");
  CHECK_EQ(needs_of(*package), "libgcc_s.so.1 ");

  if (::access((system + "/gconv/UTF-16.so").c_str(), R_OK) != 0) return;
  const auto fixed = folder.write("fixed", program({"UTF-16.so"}, system + "/gconv"));
  const auto by_path = make_package({fixed, {}, {}, ""});
  REQUIRE(by_path.has_value());
  CHECK_EQ(needs_of(*by_path), system + "/gconv/UTF-16.so ");
  const auto by_origin =
      folder.write("origin", program({"UTF-16.so"}, "$ORIGIN" + system + "/gconv"));
  const auto by_name = make_package({by_origin, {}, {}, ""});
  REQUIRE(by_name.has_value());
  CHECK_EQ(needs_of(*by_name), "UTF-16.so ");
}

TEST(package_keeps_a_name_that_is_needed_besides_the_soname) {
  const Folder folder;
  const auto exe = folder.write("app", program({"liba.so", "libb.so"}));
  const auto a = folder.write("other/liba.so", library("liba.so.1"));
  const auto b = folder.write("other/libb.so", library("", {"liba.so.1"}));
  const auto package = make_package({exe, {a, b}, {}, ""});
  REQUIRE(package.has_value());
  CHECK_EQ(names_of(*package), "exe:app lib:liba.so lib:libb.so ");
  CHECK_EQ(needs_of(*package), "liba.so.1 liba.so.1:A_1 ");
}

TEST(package_notices_a_file_that_changes_meanwhile) {
  const Folder folder;
  const auto script = folder.write("s", "#!/bin/sh\n");
  for (const std::string now : {"", "longer than it was"}) {
    const auto data = folder.write("data", "as it was");
    const auto package = make_package({script, {}, {data}, ""}, [&](std::int64_t done, auto) {
      if (done == 10) folder.write("data", now);
    });
    REQUIRE(!package.has_value());
    CHECK(package.error().code == Code::kBusy);
    CHECK_EQ(package.error().message, data + " changed while it was read");
  }
}

TEST(package_refuses_what_cannot_be_run) {
  const Folder folder;
  const auto text = folder.write("text", "hello\n");
  const auto script = folder.write("s", "#!/bin/sh\n");
  const auto gone = folder / "gone";
  CHECK_EQ(error_of({text, {}, {}, ""}),
           "bad-arg " + text + " is neither an ELF program nor a script (#!)");
  CHECK_EQ(error_of({gone, {}, {}, ""}),
           "not-found cannot open " + gone + ": No such file or directory");
  CHECK_EQ(error_of({script, {gone}, {}, ""}),
           "not-found cannot open " + gone + ": No such file or directory");
  CHECK_EQ(error_of({script + "/x", {}, {}, ""}),
           "not-found cannot open " + script + "/x: Not a directory");
  CHECK_EQ(error_of({folder / ".", {}, {}, ""}), "bad-arg " + (folder / ".") + " is a directory");
  CHECK_EQ(error_of({"/dev/null", {}, {}, ""}), "bad-arg /dev/null is not a regular file");
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK_EQ(error_of({script, {}, {folder / "fifo"}, ""}),
           "bad-arg " + (folder / "fifo") + " is not a regular file");
  const auto cut = folder.write("cut", program({}).substr(0, 100));
  CHECK_EQ(error_of({cut, {}, {}, ""}), "bad-arg " + cut + " is truncated");
  const auto dos = folder.write("dos", "#!/bin/sh\r\n");
  CHECK_EQ(error_of({dos, {}, {}, ""}),
           "bad-arg " + dos +
               " has DOS line ends, so no system finds its interpreter; convert it, "
               "for example by dos2unix");
  const auto marked = folder.write("marked", "\xEF\xBB\xBF#!/bin/sh\n");
  CHECK_EQ(error_of({marked, {}, {}, ""}),
           "bad-arg " + marked +
               " begins with a byte order mark, so no system sees its #!; save it as UTF-8 "
               "without BOM");
  const auto relative = folder.write("relative", "#!sh\n");
  CHECK_EQ(error_of({relative, {}, {}, ""}),
           "bad-arg " + relative + ": its interpreter 'sh' is not an absolute path");
}

TEST(package_refuses_names_that_no_version_can_hold) {
  const Folder folder;
  const auto script = folder.write("s", "#!/bin/sh\n");
  const auto option = folder.write("-rf", "x");
  CHECK_EQ(error_of({script, {}, {option}, ""}),
           "bad-arg " + option + ": a file named '-rf' cannot be copied");
  const auto first = folder.write("a/same", "1"), second = folder.write("b/same", "2");
  CHECK_EQ(error_of({script, {}, {first, second}, ""}),
           "bad-arg two files for --file are named 'same': " + first + " and " + second);
  CHECK_EQ(error_of({script, {first}, {second}, ""}), "none");
  const auto exe = folder.write("exe", program({"../libx.so"}));
  CHECK_EQ(error_of({exe, {}, {}, ""}),
           "bad-arg " + exe + " needs a library as '../libx.so', which cannot be taken along");
  CHECK(error_of({script, {}, {}, "Bad Name"}).starts_with("bad-arg "));
}

TEST(package_leaves_an_instances_scratch_directory_its_name) {
  const Folder folder;
  const auto script = folder.write("s", "#!/bin/sh\n"), taken = folder.write("tmp", "x");
  CHECK_EQ(
      error_of({script, {}, {taken}, ""}),
      "bad-arg " + taken + ": an app has its TMPDIR under that name; give the file another name");
  CHECK_EQ(error_of({folder.write("d/tmp", "#!/bin/sh\n"), {taken}, {}, ""}), "none");
}

TEST(package_refuses_what_may_not_be_read) {
  if (::geteuid() == 0) return;  // root reads everything
  const Folder folder;
  const auto secret = folder.write("secret", "#!/bin/sh\n", 0);
  CHECK_EQ(error_of({secret, {}, {}, ""}), "denied cannot open " + secret + ": Permission denied");
}

TEST(host_libraries_are_found_by_name_and_machine) {
  const Folder folder;
  ElfSpec other;
  other.machine = 183;
  folder.write("one/libv.so.1", print_elf(other));
  folder.write("one/libtext.so", "no library");
  ElfSpec versions;
  versions.soname = "libv.so.1";
  versions.versions = {"V_1", "V_2"};
  folder.write("two/libv.so.1", print_elf(versions));
  const std::vector<std::string> directories = {folder / "none", folder / "one", folder / "two"};
  const auto sh = folder.write("sh", "#!/bin/sh\n");
  const auto plain = folder.write("plain", "", 0644);
  ManifestNeeds needs{
      "x86_64", sh, {{"libv.so.1", "V_2"}, {"libtext.so", ""}, {"../two/libv.so.1", ""}}};
  const auto host = find_host_libraries(needs, directories);
  CHECK(host.has_interpreter);
  CHECK(!host.arch.empty());
  REQUIRE(host.libraries.size() == 1);
  CHECK_EQ(host.libraries[0].name, "libv.so.1");
  CHECK(host.libraries[0].versions == (std::vector<std::string>{"V_1", "V_2"}));
  needs.interpreter = plain;
  CHECK(!find_host_libraries(needs, directories).has_interpreter);
  needs.needs = {{folder / "two/libv.so.1", ""}};
  CHECK_EQ(find_host_libraries(needs, {}).libraries.size(), 1u);
}

TEST(host_libraries_read_configs_with_includes_in_a_ring) {
  const Folder folder;
  const auto config = folder.write("ld.so.conf", "include d/*.conf\n/last\n", 0644);
  folder.write("d/b.conf", "/b\ninclude ../ld.so.conf " + config + "\n", 0644);
  folder.write("d/a.conf", "/a\n/lib\n", 0644);
  folder.write("d/c.txt", "/no\n", 0644);
  const auto directories = library_directories("x86_64", config);
  REQUIRE(directories.size() > 5);
  CHECK_EQ(directories[0], "/a");
  CHECK_EQ(directories[1], "/lib");
  CHECK_EQ(directories[2], "/b");
  CHECK(std::find(directories.begin(), directories.end(), "/last") != directories.end());
  CHECK(std::find(directories.begin(), directories.end(), "/no") == directories.end());
  CHECK_EQ(std::count(directories.begin(), directories.end(), "/lib"), 1);
  CHECK_EQ(library_directories("x86_64", folder / "none").front(), "/lib/x86_64-linux-gnu");
}

TEST(host_libraries_of_this_machine_suffice_for_this_program) {
  const auto package = make_package({"/proc/self/exe", {}, {}, "test"});
  REQUIRE(package.has_value());
  const auto needs = needs_of(package->manifest);
  if (needs.needs.empty()) return;  // a static program
  const auto missing =
      missing_needs(needs, find_host_libraries(needs, library_directories(needs.arch)));
  for (const std::string& sentence : missing) CHECK_EQ(sentence, "");
  auto newer = needs;
  newer.needs.push_back({"libc.so.6", "GLIBC_99.1"});
  const auto lacking =
      missing_needs(newer, find_host_libraries(newer, library_directories(newer.arch)));
  REQUIRE(lacking.size() == 1);
  CHECK(lacking[0].starts_with("needs GLIBC_99.1 of libc.so.6, has up to GLIBC_2."));
}
