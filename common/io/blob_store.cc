#include "common/io/blob_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <memory>

#include "common/io/files.h"
#include "common/io/system.h"

namespace dm {
namespace {

constexpr std::size_t kBlock = 256 * 1024;
// Writing begins this early, so that the sync at the end finds little left to do.
constexpr std::int64_t kFlushEvery = 8 * 1024 * 1024;

void begin_writing(int fd, std::int64_t from, std::int64_t to) {
#ifdef SYNC_FILE_RANGE_WRITE
  ::sync_file_range(fd, from, to - from, SYNC_FILE_RANGE_WRITE);
#else
  // Without it the final fsync takes longer, nothing else.
  (void)fd, (void)from, (void)to;
#endif
}

std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(path.c_str()), &::closedir);
  if (!stream) return names;
  while (const dirent* entry = ::readdir(stream.get())) names.emplace_back(entry->d_name);
  return names;
}

std::string blob_path(const std::string& directory, std::string_view sha256) {
  return directory + "/" + std::string(sha256.substr(0, 2)) + "/" + std::string(sha256);
}

std::optional<std::int64_t> file_size(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return info.st_size;
}

// False if the name has gone from the file, or belongs to another one: while we waited for the
// lock its holder finished the blob or threw it away.
bool is_still(int fd, const std::string& path) {
  struct stat open {
  }, named{};
  return ::fstat(fd, &open) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

}  // namespace

BlobWriter::BlobWriter(std::string directory, std::string sha256, std::int64_t size)
    : directory_(std::move(directory)), sha256_(std::move(sha256)), size_(size) {}

std::string BlobWriter::part_path() const {
  return directory_ + "/tmp/" + sha256_ + ".part";
}

Error BlobWriter::no_space_or(Error error) const {
  if (error.code == Code::kNoSpace) error.message = "no space left in " + directory_;
  return error;
}

Status BlobWriter::open_part() {
  const std::string path = part_path();
  while (!file_size(blob_path(directory_, sha256_))) {
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.valid()) return no_space_or(system_error("create", path));
    if (retry([&] { return ::flock(fd.get(), LOCK_EX); }) != 0) return system_error("lock", path);
    if (is_still(fd.get(), path)) return take_part(std::move(fd));
  }
  return {};
}

Status BlobWriter::take_part(Fd fd) {
  part_ = std::move(fd);
  auto hashed = rehash();
  if (hashed && offset_ > size_) {
    if (::ftruncate(part_.get(), 0) != 0) return system_error("truncate", part_path());
    ::lseek(part_.get(), 0, SEEK_SET);
    hash_ = Sha256();
    offset_ = 0;
  }
  flushed_ = offset_;
  return hashed;
}

Status BlobWriter::rehash() {
  const auto buffer = std::make_unique<char[]>(kBlock);
  while (true) {
    const ssize_t got = retry([&] { return ::read(part_.get(), buffer.get(), kBlock); });
    if (got < 0) return system_error("read", part_path());
    if (got == 0) return {};
    hash_.update(buffer.get(), static_cast<std::size_t>(got));
    offset_ += got;
  }
}

Status BlobWriter::append(std::string_view bytes) {
  if (is_there()) return {};
  if (offset_ + static_cast<std::int64_t>(bytes.size()) > size_) return mismatch("it is too long");
  if (auto written = write_all(part_.get(), bytes); !written)
    return no_space_or(std::move(written.error()));
  hash_.update(bytes);
  offset_ += static_cast<std::int64_t>(bytes.size());
  if (offset_ - flushed_ < kFlushEvery) return {};
  begin_writing(part_.get(), flushed_, offset_);
  flushed_ = offset_;
  return {};
}

Status BlobWriter::mismatch(const std::string& why) {
  ::unlink(part_path().c_str());
  return fail(Code::kHashMismatch, "blob " + sha256_.substr(0, 12) + ": " + why);
}

Status BlobWriter::finish() {
  if (is_there()) return {};
  if (offset_ != size_) return fail(Code::kInternal, "blob " + sha256_ + " is not complete");
  if (to_hex(hash_.finish()) != sha256_) return mismatch("its content has another SHA-256");
  const std::string part = part_path();
  if (::fchmod(part_.get(), 0555) != 0) return system_error("change the mode of", part);
  if (::fsync(part_.get()) != 0) return no_space_or(system_error("sync", part));
  const std::string path = blob_path(directory_, sha256_);
  const std::string fan = parent_directory(path);
  const bool is_new = ::mkdir(fan.c_str(), 0755) == 0;
  if (!is_new && errno != EEXIST) return no_space_or(system_error("make", fan));
  if (::rename(part.c_str(), path.c_str()) != 0) return no_space_or(system_error("rename", part));
  if (is_new)
    if (auto synced = sync_directory(directory_); !synced) return synced;
  part_.reset();
  return sync_directory(fan);
}

Status BlobStore::prepare() const {
  if (auto made = make_directories(directory_); !made) return made;
  return make_directories(directory_ + "/tmp", 0700);
}

std::string BlobStore::path(std::string_view sha256) const {
  return blob_path(directory_, sha256);
}

std::optional<std::int64_t> BlobStore::size(std::string_view sha256) const {
  if (!is_sha256_hex(sha256)) return std::nullopt;
  return file_size(path(sha256));
}

Result<Fd> BlobStore::open(std::string_view sha256) const {
  if (!is_sha256_hex(sha256)) return fail(Code::kBadArg, "a blob is named by a SHA-256");
  const std::string name = path(sha256);
  Fd fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (fd.valid()) return fd;
  if (errno == ENOENT)
    return fail(Code::kNotFound, "no blob " + std::string(sha256.substr(0, 12)) + " here");
  return system_error("open", name);
}

Result<std::string> BlobStore::read(std::string_view sha256, std::size_t most) const {
  if (auto fd = open(sha256); !fd) return fd.error();
  return read_file(path(sha256), most);
}

Result<BlobWriter> BlobStore::write(std::string_view sha256, std::int64_t size) const {
  if (!is_sha256_hex(sha256)) return fail(Code::kBadArg, "a blob is named by a SHA-256");
  BlobWriter writer(directory_, std::string(sha256), size);
  if (auto opened = writer.open_part(); !opened) return opened.error();
  return writer;
}

Result<std::string> BlobStore::put_bytes(std::string_view content) const {
  const std::string sha256 = sha256_hex(content);
  Status stored = fail(Code::kInternal, "nothing tried");
  // Twice: what had arrived before may be damaged, and is thrown away when that shows.
  for (int tries = 0; tries < 2 && !stored; ++tries) {
    auto writer = write(sha256, static_cast<std::int64_t>(content.size()));
    if (!writer) return writer.error();
    stored = writer->append(content.substr(static_cast<std::size_t>(writer->offset())));
    if (stored) stored = writer->finish();
    if (!stored && stored.error().code != Code::kHashMismatch) break;
  }
  if (!stored) return stored.error();
  return sha256;
}

Status BlobStore::remove(std::string_view sha256) const {
  if (!is_sha256_hex(sha256)) return fail(Code::kBadArg, "a blob is named by a SHA-256");
  const std::string name = path(sha256);
  if (::unlink(name.c_str()) != 0 && errno != ENOENT) return system_error("remove", name);
  return {};
}

void BlobStore::discard_parts() const {
  for (const std::string& name : names_in(directory_ + "/tmp")) {
    const std::string part = directory_ + "/tmp/" + name;
    if (!name.ends_with(".part")) continue;
    const Fd fd(::open(part.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (fd.valid() && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0 && is_still(fd.get(), part))
      ::unlink(part.c_str());
  }
}

std::vector<std::string> BlobStore::list() const {
  std::vector<std::string> blobs;
  for (const std::string& fan : names_in(directory_)) {
    if (fan.size() != 2 || fan.front() == '.') continue;
    for (std::string& name : names_in(directory_ + "/" + fan))
      if (is_sha256_hex(name)) blobs.push_back(std::move(name));
  }
  return blobs;
}

}  // namespace dm
