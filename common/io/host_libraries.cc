#include "common/io/host_libraries.h"

#include <glob.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <algorithm>
#include <optional>
#include <set>

#include "common/io/elf_file.h"
#include "common/io/files.h"
#include "common/library_path.h"

namespace dm {
namespace {

constexpr std::size_t kMaxDirectories = 256;
constexpr std::size_t kMaxConfig = 64 * 1024;  // bytes a file
constexpr std::size_t kMaxConfigs = 64;        // files, so that includes in a ring come to an end

std::vector<std::string> files_like(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return paths;
}

void read_config(const std::string& path, std::set<std::string>& seen,
                 std::vector<std::string>& directories) {
  if (seen.size() >= kMaxConfigs || !seen.insert(path).second) return;
  const auto text = read_file(path, kMaxConfig);
  if (!text) return;
  for (const auto& entry : parse_library_config(*text).entries) {
    if (!entry.include) {
      directories.push_back(entry.text);
      continue;
    }
    const bool absolute = entry.text.starts_with('/');
    const std::string pattern = absolute ? entry.text : parent_directory(path) + "/" + entry.text;
    for (const std::string& file : files_like(pattern)) read_config(file, seen, directories);
  }
}

std::string host_arch() {
  utsname name{};
  return ::uname(&name) == 0 ? arch_from_uname(name.machine) : "unknown";
}

bool is_program(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 0111) != 0;
}

std::optional<HostLibraries::Library> read_library(const std::string& name, const std::string& path,
                                                   const std::string& arch) {
  const auto file = open_regular_file(path);
  if (!file) return std::nullopt;
  auto elf = read_elf_file(*file);
  // A script's libraries have no architecture of their own to compare with.
  if (!elf || (arch != "any" && elf->machine != arch)) return std::nullopt;
  return HostLibraries::Library{name, std::move(elf->versions)};
}

std::optional<HostLibraries::Library> find_library(const std::string& name, const std::string& arch,
                                                   const std::vector<std::string>& directories) {
  if (name.starts_with('/')) return read_library(name, name, arch);
  if (!is_file_name(name)) return std::nullopt;
  for (const std::string& directory : directories)
    if (auto library = read_library(name, directory + "/" + name, arch)) return library;
  return std::nullopt;
}

}  // namespace

std::vector<std::string> library_directories(const std::string& arch, const std::string& config) {
  std::vector<std::string> found;
  std::set<std::string> seen;
  read_config(config, seen, found);
  for (std::string& directory : default_library_directories(arch))
    found.push_back(std::move(directory));
  std::vector<std::string> directories;
  for (std::string& directory : found)
    if (std::find(directories.begin(), directories.end(), directory) == directories.end() &&
        directories.size() < kMaxDirectories)
      directories.push_back(std::move(directory));
  return directories;
}

HostLibraries find_host_libraries(const ManifestNeeds& needs,
                                  const std::vector<std::string>& directories) {
  HostLibraries host;
  host.arch = host_arch();
  host.has_interpreter = needs.interpreter.empty() || is_program(needs.interpreter);
  std::set<std::string> names;
  for (const Manifest::Need& need : needs.needs) names.insert(need.library);
  for (const std::string& name : names)
    if (auto library = find_library(name, needs.arch, directories))
      host.libraries.push_back(std::move(*library));
  return host;
}

}  // namespace dm
