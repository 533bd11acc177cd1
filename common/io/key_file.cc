#include "common/io/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "common/io/fd.h"
#include "common/io/files.h"
#include "common/io/secrecy.h"
#include "common/io/system.h"

namespace dm {
namespace {

constexpr std::size_t kMostBytes = 1024;

std::string what_is_wrong(const struct stat& info) {
  if (!S_ISREG(info.st_mode)) return "it is no regular file";
  if (info.st_uid != ::geteuid() && info.st_uid != 0) return "it belongs to another user";
  if ((info.st_mode & 077) != 0) return "others may read or write it; chmod 600 it";
  return "";
}

}  // namespace

Result<AccessKey> read_key_file(const std::string& path) {
  keep_memory_private();
  const Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ELOOP) return fail(Code::kDenied, "key file " + path + ": it is a symbolic link");
    return system_error("open key file", path);
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return system_error("open key file", path);
  if (const std::string wrong = what_is_wrong(info); !wrong.empty())
    return fail(Code::kDenied, "key file " + path + ": " + wrong);
  std::array<char, kMostBytes> bytes{};
  const ssize_t got = retry([&] { return ::read(fd.get(), bytes.data(), bytes.size()); });
  if (got < 0) return system_error("read key file", path);
  auto key = parse_key({bytes.data(), static_cast<std::size_t>(got)});
  bytes.fill(0);
  if (!key) return fail(key.error().code, "key file " + path + ": " + key.error().message);
  return key;
}

Status write_key_file(const std::string& path, const AccessKey& key) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) {
    if (errno == EEXIST) return fail(Code::kExists, path + " is there already");
    return system_error("create", path);
  }
  if (auto written = write_all(fd.get(), print_key(key)); !written) return written;
  if (::fsync(fd.get()) != 0) return system_error("sync", path);
  return sync_directory(parent_directory(path));
}

AccessKey make_secret() {
  keep_memory_private();
  AccessKey secret;
  secret.bytes = random_bytes(32);
  return secret;
}

}  // namespace dm
