// Files of `-o`.
#include "master/client/io/saved_file.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <utility>

#include "common/io/files.h"
#include "common/io/net.h"
#include "common/io/system.h"

namespace dm {
namespace {

constexpr int kReaderWaitMs = 20, kReaderTries = 100;
constexpr std::size_t kPiece = 1 << 16;

std::string real_path(const std::string& path) {
  char resolved[PATH_MAX];
  return ::realpath(path.c_str(), resolved) != nullptr ? resolved : path;
}

mode_t mode_of_new_files() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return static_cast<mode_t>(0666 & ~mask);
}

}  // namespace

SavedFile::SavedFile(SavedFile&& other) noexcept
    : path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      part_(std::exchange(other.part_, "")),
      fd_(std::move(other.fd_)),
      replaces_(other.replaces_),
      replaced_(other.replaced_),
      in_place_(other.in_place_),
      written_(other.written_) {}

SavedFile::~SavedFile() {
  discard();
}

Status SavedFile::check() const {
  struct stat status {};
  if (::stat(path_.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return fail(Code::kBadArg, path_ + " is a directory");
    return ::access(path_.c_str(), W_OK) == 0 ? Status() : Status(system_error("write", path_));
  }
  if (errno != ENOENT) return system_error("write", path_);
  if (::lstat(path_.c_str(), &status) == 0)
    return fail(Code::kBadArg, path_ + " is a link to a file that does not exist");
  const std::string directory = parent_directory(path_);
  return ::access(directory.c_str(), W_OK | X_OK) == 0 ? Status()
                                                       : Status(system_error("create", path_));
}

Status SavedFile::write(std::string_view bytes) {
  if (!fd_.valid())
    if (auto opened = open(); !opened) return opened;
  written_ += static_cast<std::int64_t>(bytes.size());
  return write_all(fd_.get(), bytes);
}

Status SavedFile::open() {
  if (auto checked = check(); !checked) return checked;
  replaces_ = ::stat(path_.c_str(), &replaced_) == 0;
  if (replaces_ && !S_ISREG(replaced_.st_mode)) return open_through();
  target_ = real_path(path_);
  std::string name = target_ + ".XXXXXX";
  fd_.reset(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd_.valid()) return system_error("create", name);
  part_ = name;
  // The owner first: a change of owner may take bits of the mode away.
  in_place_ = replaces_ && ::fchown(fd_.get(), replaced_.st_uid, replaced_.st_gid) != 0;
  const mode_t mode = replaces_ ? replaced_.st_mode & 0777 : mode_of_new_files();
  if (::fchmod(fd_.get(), mode) != 0) return system_error("change the mode of", part_);
  return {};
}

// O_NONBLOCK: a FIFO without a reader must not hold us where ^C is not heard.
Status SavedFile::open_through() {
  for (int i = 0; i < kReaderTries && !fd_.valid(); ++i) {
    fd_.reset(::open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (fd_.valid() || errno != ENXIO || !S_ISFIFO(replaced_.st_mode)) break;
    ::poll(nullptr, 0, kReaderWaitMs);
  }
  if (!fd_.valid() && errno == ENXIO && S_ISFIFO(replaced_.st_mode))
    return fail(Code::kBusy, "nobody reads the FIFO " + path_);
  if (!fd_.valid()) return system_error("open", path_);
  set_blocking(fd_.get(), true);
  return {};
}

Status SavedFile::commit() {
  if (!fd_.valid())
    if (auto opened = open(); !opened) return opened;
  if (part_.empty()) return {};
  if (in_place_) return copy_into_place();
  if (::rename(part_.c_str(), target_.c_str()) != 0) return system_error("rename", part_);
  part_.clear();
  return {};
}

Status SavedFile::copy_into_place() {
  const Fd from(::open(part_.c_str(), O_RDONLY | O_CLOEXEC));
  const Fd into(::open(target_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (!from.valid() || !into.valid()) return system_error("write", target_);
  std::string bytes(kPiece, '\0');
  while (true) {
    const ssize_t got = retry([&] { return ::read(from.get(), bytes.data(), bytes.size()); });
    if (got < 0) return system_error("read", part_);
    if (got == 0) break;
    auto written = write_all(into.get(), {bytes.data(), static_cast<std::size_t>(got)});
    if (!written) return written;
  }
  discard();
  return {};
}

std::string SavedFile::keep_apart() {
  if (written_ == 0) discard();
  return std::exchange(part_, "");
}

void SavedFile::discard() {
  if (!part_.empty()) ::unlink(part_.c_str());
  part_.clear();
}

}  // namespace dm
