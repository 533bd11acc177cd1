#include "master/client/io/history_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "common/io/system.h"

namespace dm {
namespace {

constexpr off_t kMaxRead = 4 * 1024 * 1024;

bool write_whole(int fd, std::string_view bytes) {
  const ssize_t put = retry([&] { return ::write(fd, bytes.data(), bytes.size()); });
  return put == static_cast<ssize_t>(bytes.size());
}

// The bytes from an offset to the end; nullopt on an error.
std::optional<std::string> read_from(int fd, off_t offset) {
  std::string content;
  char buffer[16384];
  for (;;) {
    const ssize_t got = retry([&] { return ::pread(fd, buffer, sizeof buffer, offset); });
    if (got < 0) return std::nullopt;
    if (got == 0 || content.size() > kMaxRead) return content;
    content.append(buffer, static_cast<std::size_t>(got));
    offset += got;
  }
}

// True if `path` still names the file that is open.
bool is_current(int fd, const std::string& path) {
  struct stat open_file = {}, named = {};
  return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

// Never on a device: somebody may name /dev/null to keep no history.
void hide_from_others(int fd) {
  struct stat status = {};
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 077) != 0)
    ::fchmod(fd, 0600);
}

}  // namespace

Status HistoryFile::load(History& history) {
  const Fd file(retry([&] { return ::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK); }));
  if (!file.valid() && errno == ENOENT) return {};
  if (!file.valid()) return system_error("open", path_);
  const Result<bool> grown = read(file.get(), history);
  if (!grown) return grown.error();
  return *grown ? compact(file.get()) : Status();
}

Result<bool> HistoryFile::read(int fd, History& history) const {
  struct stat status = {};
  if (::fstat(fd, &status) < 0) return system_error("read", path_);
  const off_t skipped = status.st_size > kMaxRead ? status.st_size - kMaxRead : 0;
  std::optional<std::string> content = read_from(fd, skipped);
  if (!content) return system_error("read", path_);
  if (skipped > 0) content->erase(0, content->find('\n') + 1);
  const std::size_t lines = history.parse(*content);
  return S_ISREG(status.st_mode) && (skipped > 0 || lines > 2 * History::kMaxLines);
}

Status HistoryFile::compact(int fd) {
  // Only once every other shell's append is over and none can begin, or it would be lost. If
  // another shell is at it, the work is done by that one.
  if (::flock(fd, LOCK_EX | LOCK_NB) < 0 || !is_current(fd, path_)) return {};
  History history;
  if (const Result<bool> done = read(fd, history); !done) return done.error();
  std::string temporary = path_ + ".XXXXXX";
  const Fd file(::mkostemp(temporary.data(), O_CLOEXEC));  // mode 0600, mkostemp(3)
  if (!file.valid()) return system_error("create", temporary);
  const bool written = write_whole(file.get(), history.print()) && ::fsync(file.get()) == 0;
  if (written && ::rename(temporary.c_str(), path_.c_str()) == 0) return {};
  const int error = errno;
  ::unlink(temporary.c_str());
  return system_error("write", temporary, error);
}

Result<Fd> HistoryFile::open_for_append() {
  constexpr int kTries = 3;  // each means that another shell compacts
  for (int tries = 1;; ++tries) {
    Fd file(retry([&] {
      return ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
    }));
    if (!file.valid()) return system_error("open", path_);
    // A shell that was stopped while it compacts must not hold up this one: then the line is
    // written all the same, and may be lost.
    const bool locked = ::flock(file.get(), LOCK_SH | LOCK_NB) == 0;
    if ((locked && is_current(file.get(), path_)) || tries == kTries) return file;
  }
}

Status HistoryFile::append(std::string_view line) {
  Result<Fd> file = open_for_append();
  if (!file) return std::move(file.error());
  hide_from_others(file->get());
  std::string bytes(line);
  bytes += '\n';
  // A full disk may have left half a line.
  char last = '\n';
  const off_t size = ::lseek(file->get(), 0, SEEK_END);
  if (size > 0 && ::pread(file->get(), &last, 1, size - 1) == 1 && last != '\n')
    bytes.insert(bytes.begin(), '\n');
  return write_whole(file->get(), bytes) ? Status() : Status(system_error("write", path_));
}

}  // namespace dm
