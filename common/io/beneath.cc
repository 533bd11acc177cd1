#include "common/io/beneath.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <string_view>

#include "common/io/system.h"

namespace dm {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY;

// open_how of openat2(2); <linux/openat2.h> is not everywhere that the call is.
struct OpenHow {
  std::uint64_t flags, mode, resolve;
};
constexpr std::uint64_t kNoMagicLinks = 0x02, kNoSymlinks = 0x04, kBeneath = 0x08;

bool is_plain(std::string_view path) {
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    if (name.empty() || name == "." || name == "..") return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

// -1 with ENOSYS where there is no such call.
int open_in_kernel([[maybe_unused]] int directory, [[maybe_unused]] const char* path,
                   [[maybe_unused]] int flags, [[maybe_unused]] mode_t mode) {
#ifdef SYS_openat2
  const OpenHow how{static_cast<std::uint64_t>(flags), (flags & O_CREAT) != 0 ? mode : 0,
                    kNoMagicLinks | kNoSymlinks | kBeneath};
  return static_cast<int>(::syscall(SYS_openat2, directory, path, &how, sizeof how));
#else
  errno = ENOSYS;
  return -1;
#endif
}

Error no_file(const std::string& path) {
  return fail(Code::kDenied, "open " + path + ": it is not a file of ours alone");
}

}  // namespace

Fd open_beneath_by_steps(int directory, const std::string& path, int flags, mode_t mode) {
  if (!is_plain(path)) {
    errno = EINVAL;
    return Fd();
  }
  constexpr int kStep = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  Fd held;
  std::string_view rest = path;
  for (std::size_t slash; (slash = rest.find('/')) != std::string_view::npos;) {
    const std::string name(rest.substr(0, slash));
    Fd next(retry([&] { return ::openat(directory, name.c_str(), kStep); }));
    if (!next.valid()) return Fd();
    held = std::move(next);
    directory = held.get();
    rest.remove_prefix(slash + 1);
  }
  const std::string name(rest);
  Fd last(retry(
      [&] { return ::openat(directory, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode); }));
  return last;
}

Fd open_beneath(int directory, const std::string& path, int flags, mode_t mode) {
  if (is_plain(path)) {
    Fd fd(retry([&] {
      return open_in_kernel(directory, path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode);
    }));
    // A filter of system calls that does not know this one may say EPERM.
    if (fd.valid() || (errno != ENOSYS && errno != EPERM && errno != EAGAIN)) return fd;
  }
  return open_beneath_by_steps(directory, path, flags, mode);
}

Result<Fd> open_file_beneath(int directory, const std::string& path, int flags, mode_t mode) {
  Fd fd = open_beneath(directory, path, flags | O_NONBLOCK | O_NOCTTY, mode);
  // ENXIO is a FIFO that nobody reads, or a socket; ENODEV a device that is not there.
  if (!fd.valid() && (errno == ELOOP || errno == ENXIO || errno == ENODEV || errno == EISDIR))
    return no_file(path);
  if (!fd.valid()) return system_error("open", path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return system_error("open", path);
  const bool writes = (flags & O_ACCMODE) != O_RDONLY;
  if (!S_ISREG(info.st_mode) || (writes && info.st_nlink > 1)) return no_file(path);
  // It may become an app's output, which has other ideas of what its write(2) does.
  ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) & ~O_NONBLOCK);
  return fd;
}

Result<Fd> own_file_beneath(int directory, const std::string& path, int flags, mode_t mode) {
  auto file = open_file_beneath(directory, path, flags | O_CREAT, mode);
  if (file || file.error().code != Code::kDenied) return file;
  const std::size_t slash = path.rfind('/');
  const std::string name = path.substr(slash + 1);  // npos + 1 is 0
  Fd parent;
  if (slash != std::string::npos) parent = open_beneath(directory, path.substr(0, slash), O_PATH);
  const int place = parent.valid() ? parent.get() : directory;
  struct stat info {};
  if (::fstatat(place, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return file;
  const bool is_ours = S_ISREG(info.st_mode) && info.st_nlink == 1;  // it was denied otherwise
  if (is_ours || ::unlinkat(place, name.c_str(), 0) != 0) return file;
  return open_file_beneath(directory, path, flags | O_CREAT | O_EXCL, mode);
}

Result<Fd> open_directory_beneath(int directory, const std::string& path) {
  Fd fd = open_beneath(directory, path, kDirectory);
  if (!fd.valid()) return system_error("open", path);
  return fd;
}

Result<Fd> make_directory_beneath(int directory, const std::string& path, mode_t mode) {
  Fd held;
  for (std::size_t from = 0, slash = 0; slash != std::string::npos; from = slash + 1) {
    slash = path.find('/', from);
    const std::string name = path.substr(from, slash == std::string::npos ? slash : slash - from);
    const int parent = held.valid() ? held.get() : directory;
    if (is_plain(name) && ::mkdirat(parent, name.c_str(), mode) != 0 && errno != EEXIST)
      return system_error("make", path);
    Fd next = open_beneath(parent, name, kDirectory);
    if (!next.valid()) return system_error("make", path);
    held = std::move(next);
  }
  return held;
}

bool is_beneath(int directory, const std::string& name) {
  struct stat info {};
  return ::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
}

std::vector<std::string> names_in(int directory, std::size_t most) {
  std::vector<std::string> names;
  const int fd = ::openat(directory, ".", kDirectory | O_CLOEXEC);
  if (fd < 0) return names;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd), &::closedir);
  while (const dirent* entry = stream ? ::readdir(stream.get()) : nullptr) {
    if (names.size() >= most) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

}  // namespace dm
