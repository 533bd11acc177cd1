#include "master/client/io/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>

namespace dm {
namespace {

constexpr std::size_t kMaxEntries = 10000;

struct CloseDirectory {
  void operator()(DIR* open) const { ::closedir(open); }
};

bool is_directory(DIR* parent, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN && entry.d_type != DT_LNK) return entry.d_type == DT_DIR;
  struct stat status = {};
  return ::fstatat(::dirfd(parent), entry.d_name, &status, 0) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

std::vector<std::string> entries_of(const std::string& directory, std::string_view prefix) {
  std::vector<std::string> entries;
  const std::unique_ptr<DIR, CloseDirectory> open(::opendir(directory.c_str()));
  if (!open) return entries;
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(prefix) || name == "." || name == "..") continue;
    entries.emplace_back(name);
    if (is_directory(open.get(), *entry)) entries.back() += '/';
    if (entries.size() == kMaxEntries) break;
  }
  return entries;
}

}  // namespace dm
