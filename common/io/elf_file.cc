#include "common/io/elf_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/io/system.h"

namespace dm {
namespace {

// The caller named something that can be no file: that is the caller's mistake, not ours.
Error open_error(const std::string& path) {
  const int number = errno;
  Error error = system_error("cannot open", path, number);
  if (number == ENOTDIR) error.code = Code::kNotFound;
  if (number == ELOOP || number == ENAMETOOLONG || number == ENXIO) error.code = Code::kBadArg;
  return error;
}

}  // namespace

Result<OpenFile> open_regular_file(const std::string& path) {
  OpenFile file;
  file.fd = Fd(retry([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); }));
  if (!file.fd.valid()) return open_error(path);
  struct stat info {};
  if (::fstat(file.fd.get(), &info) != 0) return system_error("cannot read", path);
  if (S_ISDIR(info.st_mode)) return fail(Code::kBadArg, path + " is a directory");
  if (!S_ISREG(info.st_mode)) return fail(Code::kBadArg, path + " is not a regular file");
  file.size = info.st_size;
  file.is_executable = (info.st_mode & S_IXUSR) != 0;
  return file;
}

Result<ElfInfo> read_elf_file(const OpenFile& file) {
  const ReadAt read_at = [fd = file.fd.get()](std::uint64_t offset, char* to, std::size_t size) {
    while (size > 0) {
      const ssize_t got = retry([&] { return ::pread(fd, to, size, static_cast<off_t>(offset)); });
      if (got <= 0) return false;
      to += got;
      offset += static_cast<std::uint64_t>(got);
      size -= static_cast<std::size_t>(got);
    }
    return true;
  };
  return read_elf(read_at, static_cast<std::uint64_t>(file.size));
}

}  // namespace dm
