#include "common/io/blob_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "common/io/files.h"
#include "common/io/remove_tree.h"
#include "tests/unit/as_nobody.h"
#include "tests/unit/check.h"
#include "tests/unit/temp_directory.h"

namespace dm {
namespace {

using test::TempDirectory;

const std::string kContent(100'000, 'x');

std::string part_of(const BlobStore& store, const std::string& sha256) {
  return store.directory() + "/tmp/" + sha256 + ".part";
}

bool exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

}  // namespace

TEST(blob_is_absent_until_it_is_finished) {
  const TempDirectory temp;
  const BlobStore store(temp.path() + "/blobs");
  REQUIRE(store.prepare());
  const std::string sha256 = sha256_hex(kContent);
  auto writer = store.write(sha256, static_cast<std::int64_t>(kContent.size()));
  REQUIRE(writer);
  CHECK(writer->append(kContent));
  CHECK(!store.has(sha256));
  CHECK(store.list().empty());
  CHECK(writer->finish());
  CHECK(store.has(sha256));
  CHECK_EQ(*store.size(sha256), static_cast<std::int64_t>(kContent.size()));
  CHECK_EQ(store.list().size(), 1U);
  CHECK(*store.read(sha256, 1 << 20) == kContent);
  CHECK(!exists(part_of(store, sha256)));
  struct stat info {};
  REQUIRE(::stat(store.path(sha256).c_str(), &info) == 0);
  CHECK_EQ(info.st_mode & 07777, 0555U);
}

TEST(blob_is_resumed_where_the_part_ends) {
  const TempDirectory temp;
  const BlobStore store(temp.path());
  REQUIRE(store.prepare());
  const std::string sha256 = sha256_hex(kContent);
  const auto size = static_cast<std::int64_t>(kContent.size());
  {
    auto cut = store.write(sha256, size);
    REQUIRE(cut);
    CHECK_EQ(cut->offset(), 0);
    CHECK(cut->append(kContent.substr(0, 70'001)));
  }
  auto writer = store.write(sha256, size);
  REQUIRE(writer);
  CHECK_EQ(writer->offset(), 70'001);
  CHECK(writer->append(kContent.substr(70'001)));
  CHECK(writer->finish());
  CHECK(*store.read(sha256, 1 << 20) == kContent);
}

TEST(blob_with_another_content_is_never_there) {
  const TempDirectory temp;
  const BlobStore store(temp.path());
  REQUIRE(store.prepare());
  const std::string sha256 = sha256_hex(kContent);
  auto writer = store.write(sha256, 4);
  REQUIRE(writer);
  CHECK(writer->append("abcd"));
  const Status finished = writer->finish();
  REQUIRE(!finished);
  CHECK(finished.error().code == Code::kHashMismatch);
  CHECK(!store.has(sha256));
  CHECK(!exists(part_of(store, sha256)));
  // More bytes than announced are refused before they are written.
  auto second = store.write(sha256, 4);
  REQUIRE(second);
  CHECK(!second->append("abcde"));
  CHECK(!exists(part_of(store, sha256)));
}

TEST(blob_that_is_not_complete_does_not_finish) {
  const TempDirectory temp;
  const BlobStore store(temp.path());
  REQUIRE(store.prepare());
  auto writer = store.write(sha256_hex(kContent), 4);
  REQUIRE(writer);
  CHECK(writer->append("ab"));
  CHECK(!writer->finish());
  CHECK(!store.has(sha256_hex(kContent)));
}

TEST(blob_part_that_is_too_long_begins_again) {
  const TempDirectory temp;
  const BlobStore store(temp.path());
  REQUIRE(store.prepare());
  const std::string sha256 = sha256_hex("short");
  REQUIRE(replace_file(part_of(store, sha256), "much too long"));
  auto writer = store.write(sha256, 5);
  REQUIRE(writer);
  CHECK_EQ(writer->offset(), 0);
  CHECK(writer->append("short"));
  CHECK(writer->finish());
  CHECK_EQ(*store.read(sha256, 100), "short");
}

TEST(blob_part_that_is_damaged_is_fetched_anew) {
  const TempDirectory temp;
  const BlobStore store(temp.path());
  REQUIRE(store.prepare());
  const std::string sha256 = sha256_hex("content");
  REQUIRE(replace_file(part_of(store, sha256), "cOn"));
  const auto stored = store.put_bytes("content");
  REQUIRE(stored);
  CHECK_EQ(*stored, sha256);
  CHECK_EQ(*store.read(sha256, 100), "content");
}

namespace {
std::size_t parts_in(const BlobStore& store) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(store.directory() + "/tmp"))
    count += entry.is_regular_file() ? 1 : 0;
  return count;
}
}  // namespace

TEST(blob_second_writer_waits_and_finds_it_there) {
  const TempDirectory temp;
  const BlobStore store(temp.path());
  REQUIRE(store.prepare());
  const std::string sha256 = sha256_hex(kContent);
  const auto size = static_cast<std::int64_t>(kContent.size());
  auto first = store.write(sha256, size);
  REQUIRE(first);
  bool second_found_it = false;
  std::thread second([&] {
    auto writer = store.write(sha256, size);
    second_found_it = writer && writer->is_there() && store.has(sha256);
  });
  CHECK(first->append(kContent));
  CHECK(first->finish());
  second.join();
  CHECK(second_found_it);
  CHECK(*store.read(sha256, 1 << 20) == kContent);
}

TEST(blob_second_writer_beside_the_first_waits_for_nobody) {
  const TempDirectory temp;
  const BlobStore store(temp.path(), BlobStore::WhenTaken::kBeside);
  REQUIRE(store.prepare());
  const std::string sha256 = sha256_hex(kContent);
  const auto size = static_cast<std::int64_t>(kContent.size());
  auto stalled = store.write(sha256, size);
  REQUIRE(stalled);
  CHECK(stalled->append(kContent.substr(0, 3)));
  {
    auto second = store.write(sha256, size);
    REQUIRE(second);
    CHECK(!second->is_there());
    CHECK_EQ(second->offset(), 0);
    // Nobody takes it from under its writer; unfinished it leaves nothing behind.
    CHECK(second->append(kContent));
    store.discard_parts();
    CHECK_EQ(parts_in(store), 2U);
  }
  CHECK_EQ(parts_in(store), 1U);
  CHECK(store.put_bytes(kContent));
  CHECK(*store.read(sha256, 1 << 20) == kContent);
  CHECK(stalled->append(kContent.substr(3)));
  CHECK(stalled->finish());
  CHECK(*store.read(sha256, 1 << 20) == kContent);
  CHECK_EQ(parts_in(store), 0U);
}

TEST(blob_part_is_locked_while_it_is_written) {
  const TempDirectory temp;
  const BlobStore store(temp.path());
  REQUIRE(store.prepare());
  const std::string sha256 = sha256_hex(kContent);
  {
    auto writer = store.write(sha256, 10);
    REQUIRE(writer);
    const Fd other(::open(part_of(store, sha256).c_str(), O_RDWR | O_CLOEXEC));
    REQUIRE(other.valid());
    CHECK(::flock(other.get(), LOCK_EX | LOCK_NB) != 0);
    store.discard_parts();
    CHECK(exists(part_of(store, sha256)));
  }
  store.discard_parts();
  CHECK(!exists(part_of(store, sha256)));
}

// As a daemon leaves it that is killed between the change of mode and the rename.
TEST(blob_part_that_was_finished_but_not_renamed_is_written_anew) {
  const TempDirectory temp;
  CHECK(test::holds_for_nobody(temp.path(), [&] {
    const BlobStore store(temp.path() + "/blobs");
    const std::string sha256 = sha256_hex("content");
    return store.prepare() && replace_file(part_of(store, sha256), "content", 0555) &&
           store.put_bytes("content") && *store.read(sha256, 100) == "content";
  }));
}

TEST(blob_part_that_was_finished_but_not_renamed_is_discarded) {
  const TempDirectory temp;
  CHECK(test::holds_for_nobody(temp.path(), [&] {
    const BlobStore store(temp.path() + "/blobs");
    const std::string sha256 = sha256_hex("content");
    const bool is_there = store.prepare() && replace_file(part_of(store, sha256), "content", 0555);
    store.discard_parts();
    return is_there && !exists(part_of(store, sha256));
  }));
}

// Its mode is changed while it is synced, which takes its time.
TEST(blob_part_that_is_being_finished_stays_its_writers) {
  const TempDirectory temp;
  CHECK(test::holds_for_nobody(temp.path(), [&] {
    const BlobStore store(temp.path() + "/blobs", BlobStore::WhenTaken::kBeside);
    const std::string sha256 = sha256_hex("content");
    if (!store.prepare()) return false;
    auto first = store.write(sha256, 7);
    if (!first || !first->append("content")) return false;
    if (::chmod(part_of(store, sha256).c_str(), 0555) != 0) return false;
    return store.put_bytes("content") && exists(part_of(store, sha256)) && first->finish();
  }));
}

TEST(blob_names_never_become_paths_unchecked) {
  const TempDirectory temp;
  const BlobStore store(temp.path());
  REQUIRE(store.prepare());
  for (const char* name : {"", "../../etc/passwd", "ABCD", "abcd"}) {
    CHECK(!store.has(name));
    CHECK(!store.open(name));
    CHECK(!store.write(name, 1));
    CHECK(!store.remove(name));
  }
}

TEST(blob_that_is_a_link_is_not_followed) {
  const TempDirectory temp;
  const BlobStore store(temp.path());
  REQUIRE(store.prepare());
  const std::string sha256 = sha256_hex("secret");
  REQUIRE(make_directories(parent_directory(store.path(sha256))));
  REQUIRE(replace_file(temp.path() + "/outside", "secret"));
  REQUIRE(::symlink((temp.path() + "/outside").c_str(), store.path(sha256).c_str()) == 0);
  CHECK(!store.has(sha256));
  CHECK(!store.open(sha256));
}

TEST(blob_is_removed_once) {
  const TempDirectory temp;
  const BlobStore store(temp.path());
  REQUIRE(store.prepare());
  const auto sha256 = store.put_bytes("");
  REQUIRE(sha256);
  CHECK(store.has(*sha256));
  CHECK(store.remove(*sha256));
  CHECK(!store.has(*sha256));
  CHECK(store.remove(*sha256));
  CHECK(store.open(*sha256).error().code == Code::kNotFound);
}

}  // namespace dm
