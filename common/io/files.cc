#include "common/io/files.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>

#include "common/codec.h"
#include "common/io/fd.h"
#include "common/io/system.h"

namespace dm {

Result<std::string> read_file(const std::string& path, std::size_t most) {
  // A FIFO in its place must not hold us up.
  const Fd fd(retry([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); }));
  if (!fd.valid()) return system_error("open", path);
  return read_whole(fd.get(), path, most);
}

Result<std::string> read_whole(int fd, const std::string& shown, std::size_t most) {
  std::string content;
  std::array<char, 65536> bytes;
  while (true) {
    const ssize_t got = retry([&] { return ::read(fd, bytes.data(), bytes.size()); });
    if (got < 0) return system_error("read", shown);
    if (got == 0) return content;
    content.append(bytes.data(), static_cast<std::size_t>(got));
    if (content.size() > most) return fail(Code::kNoSpace, shown + " is too long");
  }
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = retry([&] { return ::write(fd, bytes.data(), bytes.size()); });
    if (sent < 0) return system_error("write", "");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Status replace_file(const std::string& path, std::string_view content, mode_t mode) {
  const std::string temp = path + ".tmp";
  // Made anew: what has that name may be a FIFO, or a second name of another file.
  ::unlink(temp.c_str());
  const Fd fd(::open(temp.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd.valid()) return system_error("create", temp);
  Status written = write_all(fd.get(), content);
  if (!written) written = fail(written.error().code, temp + ": " + written.error().message);
  if (written && ::fsync(fd.get()) != 0) written = system_error("sync", temp);
  if (written && ::rename(temp.c_str(), path.c_str()) != 0) written = system_error("rename", temp);
  if (!written) {
    ::unlink(temp.c_str());
    return written;
  }
  return sync_directory(parent_directory(path));
}

Status make_directories(const std::string& path, mode_t mode) {
  for (std::size_t at = 1; at != std::string::npos;) {
    at = path.find('/', at);
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) return system_error("make", part);
    if (at != std::string::npos) ++at;
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return system_error("make", path);
  if (!S_ISDIR(info.st_mode)) return system_error("make", path, ENOTDIR);
  return {};
}

Status sync_directory(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fsync(fd.get()) != 0) return system_error("sync", path);
  return {};
}

namespace {

// " 123" if the lock's content names a process that is there.
std::string holder_of(int lock) {
  std::array<char, 24> text{};
  const ssize_t got = retry([&] { return ::pread(lock, text.data(), text.size() - 1, 0); });
  const auto pid =
      parse_integer(std::string_view(text.data(), got > 0 ? static_cast<std::size_t>(got) - 1 : 0));
  const bool lives = pid && *pid > 0 && *pid <= INT_MAX &&
                     (::kill(static_cast<pid_t>(*pid), 0) == 0 || errno == EPERM);
  return lives ? " " + std::to_string(*pid) : "";
}

}  // namespace

Result<Fd> lock_directory(const std::string& path) {
  const std::string file = path + "/lock";
  // Root may start in a directory of another user, who may have put anything there.
  constexpr int kHow = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  Fd fd(::open(file.c_str(), kHow, 0600));
  if (!fd.valid()) return system_error("open", file);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return system_error("look at", file);
  if (!S_ISREG(info.st_mode) || info.st_nlink != 1)
    return fail(Code::kDenied, file + " is no file of its own, or has a second name; remove it");
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return fail(Code::kBusy, path + " is in use by another process" + holder_of(fd.get()));
    return system_error("lock", file);
  }
  // For people only: a full disk must not keep us from starting.
  (void)(::ftruncate(fd.get(), 0) == 0 && write_all(fd.get(), std::to_string(::getpid()) + "\n"));
  return fd;
}

std::string absolute_path(const std::string& path) {
  if (!path.empty() && path.front() == '/') return path;
  std::array<char, PATH_MAX> here{};
  if (::getcwd(here.data(), here.size()) == nullptr) return path;
  return std::string(here.data()) + "/" + path;
}

std::string parent_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace dm
