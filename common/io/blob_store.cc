#include "common/io/blob_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <memory>

#include "common/check.h"
#include "common/io/beneath.h"
#include "common/io/failpoint.h"
#include "common/io/files.h"
#include "common/io/sparse.h"
#include "common/io/system.h"

namespace dm {
namespace {

constexpr const char* kParts = "tmp";  // the directory of what has not arrived whole
constexpr const char* kPart = ".part";
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

// The directory of a blob, within the store's.
std::string fan_of(std::string_view sha256) {
  return std::string(sha256.substr(0, 2));
}

std::optional<struct stat> look_at_file(int directory, const std::string& name) {
  struct stat info {};
  if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  if (!S_ISREG(info.st_mode)) return std::nullopt;
  return info;
}

std::optional<struct stat> look_at_blob(int root, const std::string& sha256) {
  const Fd fan = open_beneath(root, fan_of(sha256), O_PATH | O_DIRECTORY);
  return fan.valid() ? look_at_file(fan.get(), sha256) : std::nullopt;
}

// False if the name has gone from the file, or belongs to another one: while we waited for the
// lock its holder finished the blob or threw it away.
bool is_still(int fd, int directory, const std::string& name) {
  struct stat open {};
  const auto named = look_at_file(directory, name);
  return ::fstat(fd, &open) == 0 && named && open.st_dev == named->st_dev &&
         open.st_ino == named->st_ino;
}

}  // namespace

BlobWriter::BlobWriter(std::string directory, std::string sha256, std::int64_t size)
    : directory_(std::move(directory)),
      sha256_(std::move(sha256)),
      part_name_(sha256_ + kPart),
      size_(size) {}

BlobWriter::~BlobWriter() {
  if (is_beside_ && part_.valid()) ::unlinkat(parts_.get(), part_name_.c_str(), 0);
}

Error BlobWriter::no_space_or(Error error) const {
  if (error.code == Code::kNoSpace) error.message = "no space left in " + directory_;
  return error;
}

Status BlobWriter::open_part(Fd root, bool waits) {
  root_ = std::move(root);
  auto parts = open_directory_beneath(root_.get(), kParts);
  if (!parts) return parts.error();
  parts_ = std::move(*parts);
  while (!look_at_blob(root_.get(), sha256_)) {
    auto fd = own_file_beneath(parts_.get(), part_name_, O_RDWR, 0600);
    // Finished and not renamed yet: by a writer that was killed there, if nobody holds the lock.
    const bool is_finished = !fd && fd.error().code == Code::kDenied;
    if (is_finished) fd = open_file_beneath(parts_.get(), part_name_, O_RDONLY);
    if (!fd && is_finished && fd.error().code == Code::kNotFound) continue;
    if (!fd) return no_space_or(fd.error());
    const int how = waits ? LOCK_EX : LOCK_EX | LOCK_NB;
    if (retry([&] { return ::flock(fd->get(), how); }) != 0)
      return errno == EWOULDBLOCK ? open_beside() : system_error("lock", part_name_);
    if (!is_still(fd->get(), parts_.get(), part_name_)) continue;
    if (!is_finished) return take_part(std::move(*fd));
    if (::unlinkat(parts_.get(), part_name_.c_str(), 0) != 0)
      return system_error("remove", part_name_);
  }
  return {};
}

// Its name is nobody else's; the lock keeps discard_parts() away.
Status BlobWriter::open_beside() {
  part_name_ = sha256_ + "." + random_hex(8) + kPart;
  is_beside_ = true;
  auto fd = own_file_beneath(parts_.get(), part_name_, O_RDWR, 0600);
  if (!fd) return no_space_or(fd.error());
  if (::flock(fd->get(), LOCK_EX | LOCK_NB) != 0) return system_error("lock", part_name_);
  return take_part(std::move(*fd));
}

Status BlobWriter::take_part(Fd fd) {
  part_ = std::move(fd);
  auto hashed = rehash();
  if (hashed && offset_ > size_) {
    if (::ftruncate(part_.get(), 0) != 0) return system_error("truncate", part_name_);
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
    if (got < 0) return system_error("read", part_name_);
    if (got == 0) return {};
    hash_.update(buffer.get(), static_cast<std::size_t>(got));
    offset_ += got;
  }
}

Status BlobWriter::append(std::string_view bytes) {
  if (is_there()) return {};
  if (offset_ + static_cast<std::int64_t>(bytes.size()) > size_) return mismatch("it is too long");
  if (fails_at("blob.write")) return no_space_or(system_error("write", ""));
  if (auto written = write_sparse(part_.get(), bytes, offset_); !written)
    return no_space_or(std::move(written.error()));
  hash_.update(bytes);
  offset_ += static_cast<std::int64_t>(bytes.size());
  if (offset_ - flushed_ < kFlushEvery) return {};
  begin_writing(part_.get(), flushed_, offset_);
  flushed_ = offset_;
  return {};
}

Status BlobWriter::mismatch(const std::string& why) {
  ::unlinkat(parts_.get(), part_name_.c_str(), 0);
  return fail(Code::kHashMismatch, "blob " + sha256_.substr(0, 12) + ": " + why);
}

void BlobWriter::discard() {
  if (part_.valid()) ::unlinkat(parts_.get(), part_name_.c_str(), 0);
  part_.reset();
}

Status BlobWriter::finish() {
  if (is_there()) return {};
  if (offset_ != size_) return fail(Code::kInternal, "blob " + sha256_ + " is not complete");
  if (to_hex(hash_.finish()) != sha256_) return mismatch("its content has another SHA-256");
  const std::string& part = part_name_;
  if (::fchmod(part_.get(), 0555) != 0) return system_error("change the mode of", part);
  if (fails_at("blob.sync") || ::fsync(part_.get()) != 0)
    return no_space_or(system_error("sync", part));
  const bool is_new = ::mkdirat(root_.get(), fan_of(sha256_).c_str(), 0755) == 0;
  if (!is_new && errno != EEXIST) return no_space_or(system_error("make", fan_of(sha256_)));
  const auto fan = open_directory_beneath(root_.get(), fan_of(sha256_));
  if (!fan) return fan.error();
  if (fails_at("blob.rename") ||
      ::renameat(parts_.get(), part.c_str(), fan->get(), sha256_.c_str()) != 0)
    return no_space_or(system_error("rename", part));
  if (is_new && ::fsync(root_.get()) != 0) return system_error("sync", directory_);
  part_.reset();
  if (::fsync(fan->get()) != 0) return system_error("sync", fan_of(sha256_));
  return {};
}

Status BlobStore::prepare() const {
  if (auto made = make_directories(directory_); !made) return made;
  const auto root = open_root();
  if (!root) return root.error();
  // A blob may be anybody's, and says by its mode nothing of who may read it.
  if (::fchmod(root->get(), 0700) != 0) return system_error("change the mode of", directory_);
  const auto parts = make_directory_beneath(root->get(), kParts, 0700);
  return parts ? Status() : parts.error();
}

// The directories above it are their owner's business.
Result<Fd> BlobStore::open_root() const {
  Fd root(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root.valid()) return system_error("open", directory_);
  return root;
}

std::string BlobStore::path(std::string_view sha256) const {
  DM_CHECK(is_sha256_hex(sha256));
  return directory_ + "/" + fan_of(sha256) + "/" + std::string(sha256);
}

std::optional<std::int64_t> BlobStore::size(std::string_view sha256) const {
  const auto root = is_sha256_hex(sha256) ? open_root() : Result<Fd>(Fd());
  if (!root || !root->valid()) return std::nullopt;
  const auto info = look_at_blob(root->get(), std::string(sha256));
  return info ? std::optional<std::int64_t>(info->st_size) : std::nullopt;
}

std::int64_t BlobStore::names(std::string_view sha256) const {
  const auto root = is_sha256_hex(sha256) ? open_root() : Result<Fd>(Fd());
  if (!root || !root->valid()) return 0;
  const auto info = look_at_blob(root->get(), std::string(sha256));
  return info ? static_cast<std::int64_t>(info->st_nlink) : 0;
}

Result<Fd> BlobStore::open(std::string_view sha256) const {
  if (!is_sha256_hex(sha256)) return fail(Code::kBadArg, "a blob is named by a SHA-256");
  const auto root = open_root();
  if (!root) return root.error();
  auto fd = open_file_beneath(root->get(), fan_of(sha256) + "/" + std::string(sha256), O_RDONLY);
  if (!fd && fd.error().code == Code::kNotFound)
    return fail(Code::kNotFound, "no blob " + std::string(sha256.substr(0, 12)) + " here");
  return fd;
}

Result<std::string> BlobStore::read(std::string_view sha256, std::size_t most) const {
  const auto fd = open(sha256);
  if (!fd) return fd.error();
  return read_whole(fd->get(), "blob " + std::string(sha256.substr(0, 12)), most);
}

Status BlobStore::link_as(std::string_view sha256, int directory, const std::string& name) const {
  const auto fd = open(sha256);
  if (!fd) return fd.error();
  // The very file that was opened: what has its name may be another by now.
  const std::string opened = "/proc/self/fd/" + std::to_string(fd->get());
  if (::linkat(AT_FDCWD, opened.c_str(), directory, name.c_str(), AT_SYMLINK_FOLLOW) == 0)
    return {};
  return system_error("link blob " + std::string(sha256.substr(0, 12)) + " as", name);
}

Result<BlobWriter> BlobStore::write(std::string_view sha256, std::int64_t size) const {
  if (!is_sha256_hex(sha256)) return fail(Code::kBadArg, "a blob is named by a SHA-256");
  auto root = open_root();
  if (!root) return root.error();
  BlobWriter writer(directory_, std::string(sha256), size);
  if (auto opened = writer.open_part(std::move(*root), when_taken_ == WhenTaken::kWait); !opened)
    return opened.error();
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
  const auto root = open_root();
  if (!root) return root.error();
  const std::string name(sha256);
  const Fd fan = open_beneath(root->get(), fan_of(sha256), O_PATH | O_DIRECTORY);
  if ((fan.valid() && ::unlinkat(fan.get(), name.c_str(), 0) == 0) || errno == ENOENT) return {};
  return system_error("remove", name);
}

void BlobStore::discard_parts() const {
  const auto root = open_root();
  const auto parts = root ? open_directory_beneath(root->get(), kParts) : Result<Fd>(Fd());
  if (!parts || !parts->valid()) return;
  for (const std::string& name : names_in(parts->get())) {
    if (!name.ends_with(kPart)) continue;
    // For reading: a finished one may not be written to.
    const auto fd = open_file_beneath(parts->get(), name, O_RDONLY);
    if (fd && ::flock(fd->get(), LOCK_EX | LOCK_NB) == 0 && is_still(fd->get(), parts->get(), name))
      ::unlinkat(parts->get(), name.c_str(), 0);
  }
}

std::vector<std::string> BlobStore::list() const {
  std::vector<std::string> blobs;
  const auto root = open_root();
  if (!root) return blobs;
  for (const std::string& fan : names_in(root->get())) {
    if (fan.size() != 2) continue;
    const auto directory = open_directory_beneath(root->get(), fan);
    if (!directory) continue;
    for (std::string& name : names_in(directory->get()))
      if (is_sha256_hex(name)) blobs.push_back(std::move(name));
  }
  return blobs;
}

}  // namespace dm
