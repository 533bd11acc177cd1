#include "common/io/sparse.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/io/blob_store.h"
#include "common/io/files.h"
#include "tests/unit/check.h"
#include "tests/unit/temp_directory.h"

namespace dm {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;

// 4 MiB with data in three places.
std::string mostly_zeros() {
  std::string content(4 * kMiB, '\0');
  content.replace(0, 5, "first");
  content.replace(kMiB + 4090, 12, "over an edge");
  content.replace(content.size() - 4, 4, "last");
  return content;
}

std::int64_t room_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? std::int64_t{info.st_blocks} * 512 : -1;
}

}  // namespace

TEST(sparse_file_holds_the_same_bytes_in_less_room) {
  const test::TempDirectory temp;
  const std::string path = temp.path() + "/file";
  const std::string content = mostly_zeros();
  for (const std::size_t step : {std::size_t{1000}, std::size_t{4096}, kMiB + 7}) {
    const Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    REQUIRE(fd.valid());
    for (std::size_t at = 0; at < content.size(); at += step)
      REQUIRE(write_sparse(fd.get(), std::string_view(content).substr(at, step),
                           static_cast<std::int64_t>(at)));
    CHECK(*read_file(path, 8 * kMiB) == content);
  }
  // The last step is coarse enough for holes.
  CHECK(room_of(path) < static_cast<std::int64_t>(kMiB));
}

TEST(sparse_file_may_end_in_a_hole) {
  const test::TempDirectory temp;
  const std::string path = temp.path() + "/file";
  const Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(write_sparse(fd.get(), std::string(kMiB, '\0'), 0));
  CHECK_EQ(read_file(path, 8 * kMiB)->size(), kMiB);
  CHECK(room_of(path) < 65536);
}

TEST(blob_keeps_its_holes) {
  const test::TempDirectory temp;
  const BlobStore store(temp.path());
  REQUIRE(store.prepare());
  const std::string content = mostly_zeros();
  const auto sha256 = store.put_bytes(content);
  REQUIRE(sha256);
  CHECK(*store.read(*sha256, 8 * kMiB) == content);
  CHECK(room_of(store.path(*sha256)) < static_cast<std::int64_t>(kMiB));
}

TEST(blob_is_resumed_behind_a_hole) {
  const test::TempDirectory temp;
  const BlobStore store(temp.path());
  REQUIRE(store.prepare());
  const std::string content(3 * kMiB, '\0');
  const std::string sha256 = sha256_hex(content);
  {
    auto cut = store.write(sha256, static_cast<std::int64_t>(content.size()));
    REQUIRE(cut && cut->append(content.substr(0, kMiB)));
  }
  auto writer = store.write(sha256, static_cast<std::int64_t>(content.size()));
  REQUIRE(writer);
  CHECK_EQ(writer->offset(), static_cast<std::int64_t>(kMiB));
  CHECK(writer->append(content.substr(kMiB)));
  CHECK(writer->finish());
  CHECK_EQ(*store.size(sha256), static_cast<std::int64_t>(content.size()));
}

}  // namespace dm
