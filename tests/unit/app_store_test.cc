#include "worker/io/app_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/files.h"
#include "common/io/remove_tree.h"
#include "tests/unit/check.h"
#include "tests/unit/temp_directory.h"

namespace dm::worker {
namespace {

using TempRoot = test::TempDirectory;

struct stat look_at(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) info.st_nlink = 0;
  return info;
}

bool is_there(const std::string& path) {
  return look_at(path).st_nlink > 0;
}

Manifest::File file_of(const BlobStore& blobs, FileKind kind, const std::string& name,
                       const std::string& content, unsigned mode) {
  const auto sha256 = blobs.put_bytes(content);
  return {kind, name, sha256 ? *sha256 : "", static_cast<std::int64_t>(content.size()), mode};
}

struct Version {
  std::string name;
  Manifest manifest;
};

// A version with one file of each kind; its blobs are in the store.
Version make_version(const AppStore& store, const std::string& exe_content) {
  Version version;
  version.manifest.app = "web";
  version.manifest.exe = "server";
  version.manifest.arch = "any";
  version.manifest.files = {file_of(store.blobs(), FileKind::kExe, "server", exe_content, 0755),
                            file_of(store.blobs(), FileKind::kLib, "libx.so.1", "library", 0644),
                            file_of(store.blobs(), FileKind::kFile, "data.txt", "data", 0640)};
  const auto stored = store.blobs().put_bytes(print_manifest(version.manifest));
  if (stored) version.name = *stored;
  return version;
}

std::string content_of(const std::string& path) {
  const auto text = read_file(path);
  return text ? *text : "(" + text.error().message + ")";
}

}  // namespace

TEST(store_installs_a_version_of_links) {
  const TempRoot temp;
  AppStore store(temp.path(), {});
  REQUIRE(store.prepare());
  const Version version = make_version(store, "#!/bin/sh\n");
  REQUIRE(store.install("web", version.name, version.manifest));
  const std::string path = temp.path() + "/apps/web/" + version.name;
  CHECK_EQ(content_of(path + "/bin/server"), "#!/bin/sh\n");
  CHECK_EQ(content_of(path + "/lib/libx.so.1"), "library");
  CHECK_EQ(content_of(path + "/files/data.txt"), "data");
  CHECK_EQ(content_of(path + "/manifest"), print_manifest(version.manifest));
  CHECK_EQ(look_at(path + "/bin/server").st_nlink, 2U);
  CHECK_EQ(look_at(path + "/bin/server").st_mode & 07777, 0555U);
  CHECK(!is_there(path + ".tmp"));
  CHECK(store.install("web", version.name, version.manifest));
}

TEST(store_installs_whole_or_not_at_all) {
  const TempRoot temp;
  AppStore store(temp.path(), {});
  REQUIRE(store.prepare());
  Version version = make_version(store, "x");
  version.manifest.files.push_back({FileKind::kLib, "gone.so", sha256_hex("gone"), 4, 0644});
  const Status installed = store.install("web", version.name, version.manifest);
  REQUIRE(!installed);
  CHECK(installed.error().code == Code::kNotFound);
  CHECK(!is_there(temp.path() + "/apps/web/" + version.name));
  CHECK(!is_there(temp.path() + "/apps/web/" + version.name + ".tmp"));
  // What an interrupted one left is no obstacle.
  version.manifest.files.pop_back();
  REQUIRE(make_directories(temp.path() + "/apps/web/" + version.name + ".tmp/bin/deep"));
  CHECK(store.install("web", version.name, version.manifest));
}

TEST(store_refuses_names_that_are_paths) {
  const TempRoot temp;
  AppStore store(temp.path(), {});
  REQUIRE(store.prepare());
  Version version = make_version(store, "x");
  CHECK(!store.install("../web", version.name, version.manifest));
  CHECK(!store.install("web", "../" + version.name, version.manifest));
  version.manifest.files[0].name = "../../escaped";
  CHECK(!store.install("web", version.name, version.manifest));
  CHECK(!is_there(temp.path() + "/apps/escaped"));
  CHECK(!store.remove("..", {}));
  CHECK(!store.remove("web", {"other.1"}));
  CHECK(!store.remove("web", {"web.1/../.."}));
  CHECK(!store.open_log("../x", 1));
  CHECK(!store.read_log("web", 1));
  CHECK(!store.make_work_dir("web.x", "web", version.name));
}

TEST(store_copies_files_to_the_work_dir_once) {
  const TempRoot temp;
  AppStore store(temp.path(), {});
  REQUIRE(store.prepare());
  const Version version = make_version(store, "x");
  REQUIRE(store.install("web", version.name, version.manifest));
  CHECK(store.has_files("web", version.name));
  CHECK(!store.has_work_dir("web.1"));
  REQUIRE(store.make_work_dir("web.1", "web", version.name));
  CHECK(store.has_work_dir("web.1"));
  const std::string copy = temp.path() + "/work/web.1/data.txt";
  CHECK_EQ(look_at(copy).st_nlink, 1U);
  CHECK_EQ(look_at(copy).st_mode & 07777, 0640U);
  CHECK_EQ(look_at(temp.path() + "/work/web.1").st_mode & 07777, 0700U);
  CHECK(S_ISDIR(look_at(temp.path() + "/work/web.1/tmp").st_mode));
  // What the app has written is its own at the next start.
  REQUIRE(replace_file(copy, "changed"));
  REQUIRE(remove_tree(temp.path() + "/work/web.1/tmp"));
  REQUIRE(store.make_work_dir("web.1", "web", version.name));
  CHECK_EQ(content_of(copy), "changed");
  CHECK(is_there(temp.path() + "/work/web.1/tmp"));
  CHECK_EQ(content_of(temp.path() + "/apps/web/" + version.name + "/files/data.txt"), "data");
}

TEST(store_makes_a_work_dir_whole_or_not_at_all) {
  const TempRoot temp;
  AppStore store(temp.path(), {});
  REQUIRE(store.prepare());
  const Version version = make_version(store, "x");
  REQUIRE(store.install("web", version.name, version.manifest));
  REQUIRE(remove_tree(temp.path() + "/apps/web/" + version.name + "/files/data.txt"));
  CHECK(!store.make_work_dir("web.1", "web", version.name));
  CHECK(!store.has_work_dir("web.1"));
  CHECK(!is_there(temp.path() + "/work/web.1"));
  CHECK(!is_there(temp.path() + "/work/web.1.tmp"));
}

TEST(store_appends_to_the_log_of_a_run) {
  const TempRoot temp;
  AppStore store(temp.path(), {});
  REQUIRE(store.prepare());
  CHECK(store.read_log("web.1", 1).error().code == Code::kNotFound);
  for (const char* text : {"one\n", "two\n"}) {
    const auto log = store.open_log("web.1", 1);
    REQUIRE(log);
    CHECK((::fcntl(log->get(), F_GETFL) & O_APPEND) != 0);
    CHECK(write_all(log->get(), text));
  }
  CHECK_EQ(content_of(temp.path() + "/logs/web.1.1"), "dm log\none\ntwo\n");
}

TEST(store_writes_no_log_through_what_an_app_laid_over_it) {
  const TempRoot temp;
  AppStore store(temp.path(), {});
  REQUIRE(store.prepare());
  const std::string logs = temp.path() + "/logs/", victim = temp.path() + "/victim";
  REQUIRE(replace_file(victim, "untouched"));
  REQUIRE(::symlink(victim.c_str(), (logs + "web.1.1").c_str()) == 0);
  REQUIRE(::link(victim.c_str(), (logs + "web.1.2").c_str()) == 0);
  REQUIRE(::mkfifo((logs + "web.1.3").c_str(), 0600) == 0);
  CHECK(!store.read_log("web.1", 1));
  CHECK(!store.read_log("web.1", 3));  // at once, although nobody writes
  for (const int run : {1, 2, 3}) {
    const auto log = store.open_log("web.1", run);
    REQUIRE(log);
    CHECK(write_all(log->get(), "mine"));
    CHECK_EQ(content_of(logs + "web.1." + std::to_string(run)), "dm log\nmine");
  }
  REQUIRE(make_directories(logs + "web.1.4"));
  CHECK(!store.open_log("web.1", 4));
  CHECK_EQ(content_of(victim), "untouched");
}

TEST(store_leaves_alone_what_an_app_links_to) {
  const TempRoot temp;
  AppStore store(temp.path(), {});
  REQUIRE(store.prepare());
  const Version version = make_version(store, "exe");
  REQUIRE(store.install("web", version.name, version.manifest));
  REQUIRE(store.make_work_dir("web.1", "web", version.name));
  const std::string victim = temp.path() + "/victim", work = temp.path() + "/work/web.1";
  REQUIRE(make_directories(victim + "/tmp") && replace_file(victim + "/kept", "kept"));
  REQUIRE(::chmod((victim + "/tmp").c_str(), 0711) == 0);
  // In place of its TMPDIR: used as it is, and changed by nobody.
  REQUIRE(remove_tree(work + "/tmp"));
  REQUIRE(::symlink(victim.c_str(), (work + "/tmp").c_str()) == 0);
  CHECK(store.make_work_dir("web.1", "web", version.name));
  REQUIRE(::symlink(victim.c_str(), (work + "/link").c_str()) == 0);
  // In place of a whole directory.
  REQUIRE(::symlink(victim.c_str(), (temp.path() + "/work/web.2").c_str()) == 0);
  CHECK(!store.make_work_dir("web.2", "web", version.name));
  CHECK(store.remove("web", {"web.1", "web.2"}));
  CHECK(!is_there(work) && !is_there(temp.path() + "/work/web.2"));
  CHECK_EQ(content_of(victim + "/kept"), "kept");
  CHECK_EQ(look_at(victim + "/tmp").st_mode & 07777, 0711U);
}

TEST(store_installs_into_no_directory_of_another) {
  const TempRoot temp;
  AppStore store(temp.path(), {});
  REQUIRE(store.prepare());
  const Version version = make_version(store, "exe");
  const std::string victim = temp.path() + "/victim", app = temp.path() + "/apps/web";
  REQUIRE(make_directories(victim));
  REQUIRE(::symlink(victim.c_str(), app.c_str()) == 0);
  CHECK(!store.install("web", version.name, version.manifest));
  CHECK(is_there(victim) && !is_there(victim + "/" + version.name));
  REQUIRE(remove_tree(app) && make_directories(app));
  for (const std::string& name : {version.name, version.name + ".tmp"})
    REQUIRE(::symlink(victim.c_str(), (app + "/" + name).c_str()) == 0);
  CHECK(store.install("web", version.name, version.manifest));
  CHECK(S_ISDIR(look_at(app + "/" + version.name).st_mode));
  CHECK(!is_there(victim + "/bin"));
  // A blob that is a link becomes no part of a version.
  const Version other = make_version(store, "other exe");
  const std::string blob = store.blobs().path(other.manifest.files[0].sha256);
  REQUIRE(remove_tree(blob) && ::symlink("/bin/sh", blob.c_str()) == 0);
  CHECK(!store.install("web", other.name, other.manifest));
  CHECK(!is_there(app + "/" + other.name));
}

TEST(store_removes_an_app_and_what_only_it_used) {
  const TempRoot temp;
  AppStore store(temp.path(), {});
  REQUIRE(store.prepare());
  const Version web = make_version(store, "web only");
  const Version api = make_version(store, "api only");
  REQUIRE(store.install("web", web.name, web.manifest));
  REQUIRE(store.install("api", api.name, api.manifest));
  REQUIRE(store.make_work_dir("web.1", "web", web.name));
  REQUIRE(store.open_log("web.1", 1));
  REQUIRE(store.open_log("web.1", 2));
  REQUIRE(store.open_log("web.11", 1));
  REQUIRE(store.remove("web", {"web.1"}));
  CHECK(!is_there(temp.path() + "/apps/web"));
  CHECK(!is_there(temp.path() + "/apps/web.gone"));
  CHECK(!is_there(temp.path() + "/work/web.1"));
  CHECK(!is_there(temp.path() + "/logs/web.1.1"));
  CHECK(!is_there(temp.path() + "/logs/web.1.2"));
  CHECK(is_there(temp.path() + "/logs/web.11.1"));
  CHECK(!store.blobs().has(web.name));
  CHECK(!store.blobs().has(sha256_hex("web only")));
  CHECK(store.blobs().has(sha256_hex("api only")));
  CHECK(store.blobs().has(sha256_hex("library")));
  CHECK_EQ(content_of(temp.path() + "/apps/api/" + api.name + "/lib/libx.so.1"), "library");
  CHECK(store.remove("web", {"web.1"}));
}

TEST(store_removes_instances_and_leaves_their_app) {
  const TempRoot temp;
  AppStore store(temp.path(), {});
  REQUIRE(store.prepare());
  const Version web = make_version(store, "web only");
  REQUIRE(store.install("web", web.name, web.manifest));
  for (const char* name : {"web.1", "web.11"}) {
    REQUIRE(store.make_work_dir(name, "web", web.name));
    REQUIRE(store.open_log(name, 1));
  }
  CHECK(!store.remove_instances({"web.1", "../logs"}));
  CHECK(is_there(temp.path() + "/work/web.1"));
  REQUIRE(store.remove_instances({"web.1", "web.3"}));
  CHECK(!is_there(temp.path() + "/work/web.1"));
  CHECK(!is_there(temp.path() + "/logs/web.1.1"));
  CHECK(is_there(temp.path() + "/work/web.11"));
  CHECK(is_there(temp.path() + "/logs/web.11.1"));
  CHECK(is_there(temp.path() + "/apps/web/" + web.name));
}

TEST(store_keeps_pinned_blobs) {
  const TempRoot temp;
  AppStore store(temp.path(), {});
  REQUIRE(store.prepare());
  const auto blob = store.blobs().put_bytes("being put together");
  REQUIRE(blob);
  {
    const AppStore::Pin first(store, {*blob});
    { const AppStore::Pin second(store, {*blob, *blob}); }
    REQUIRE(store.remove("web", {}));
    CHECK(store.blobs().has(*blob));
  }
  REQUIRE(store.remove("web", {}));
  CHECK(!store.blobs().has(*blob));
}

TEST(store_sweeps_what_was_only_renamed) {
  const TempRoot temp;
  AppStore store(temp.path(), {});
  REQUIRE(store.prepare());
  REQUIRE(make_directories(temp.path() + "/work/web.1.0a0b0c0d.gone/deep"));
  REQUIRE(make_directories(temp.path() + "/apps/web.gone"));
  REQUIRE(make_directories(temp.path() + "/work/web.2"));
  AppStore::sweep(temp.path());
  CHECK(!is_there(temp.path() + "/work/web.1.0a0b0c0d.gone"));
  CHECK(!is_there(temp.path() + "/apps/web.gone"));
  CHECK(is_there(temp.path() + "/work/web.2"));
}

}  // namespace dm::worker
