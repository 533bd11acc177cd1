#include "worker/io/app_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <memory>

#include "common/io/files.h"
#include "common/io/system.h"
#include "common/names.h"

namespace dm {
namespace {

// Neither an app's nor an instance's name can look like these.
constexpr std::string_view kTemp = ".tmp";
constexpr std::string_view kGone = ".gone";

bool exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(path.c_str()), &::closedir);
  if (!stream) return names;
  while (const dirent* entry = ::readdir(stream.get())) names.emplace_back(entry->d_name);
  return names;
}

Status make_directory(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) != 0) return system_error("make", path);
  return {};
}

Status rename_path(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return system_error("rename", from);
  return {};
}

Status copy_file(const std::string& from, const std::string& to) {
  const Fd source(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!source.valid()) return system_error("open", from);
  const Fd target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!target.valid()) return system_error("create", to);
  constexpr std::size_t kBlock = 256 * 1024;
  const auto buffer = std::make_unique<char[]>(kBlock);
  while (true) {
    const ssize_t got = retry([&] { return ::read(source.get(), buffer.get(), kBlock); });
    if (got < 0) return system_error("read", from);
    if (got == 0) break;
    if (auto written = write_all(target.get(), {buffer.get(), static_cast<std::size_t>(got)});
        !written)
      return fail(written.error().code, to + ": " + written.error().message);
  }
  if (::fsync(target.get()) != 0) return system_error("sync", to);
  return {};
}

std::string_view folder(FileKind kind) {
  constexpr std::string_view kFolders[] = {"/bin/", "/lib/", "/files/"};
  return kFolders[static_cast<int>(kind)];
}

Error bad_name() {
  return fail(Code::kBadArg, "no valid name of an app, version or instance");
}

}  // namespace

AppStore::AppStore(std::string root, std::optional<gid_t> app_group)
    : root_(std::move(root)), app_group_(app_group), blobs_(root_ + "/blobs") {}

std::string AppStore::version_path(const std::string& app, const std::string& version) const {
  return root_ + "/apps/" + app + "/" + version;
}

Status AppStore::prepare() {
  if (auto made = blobs_.prepare(); !made) return made;
  for (const char* name : {"/apps", "/work"})
    if (auto made = make_directories(root_ + name, 0755); !made) return made;
  if (auto made = make_directories(root_ + "/logs", 0750); !made) return made;
  logs_.reset(::open((root_ + "/logs").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!logs_.valid()) return system_error("open", root_ + "/logs");
  return {};
}

void AppStore::sweep(const std::string& root) {
  for (const char* place : {"/apps/", "/work/"})
    for (const std::string& name : names_in(root + place))
      if (name.ends_with(kGone)) (void)remove_tree(root + place + name);
}

AppStore::Pin::Pin(AppStore& store, std::vector<std::string> blobs)
    : store_(store), blobs_(std::move(blobs)) {
  const std::lock_guard lock(store_.mutex_);
  store_.pinned_.insert(blobs_.begin(), blobs_.end());
}

AppStore::Pin::~Pin() {
  const std::lock_guard lock(store_.mutex_);
  for (const std::string& blob : blobs_) store_.pinned_.erase(store_.pinned_.find(blob));
}

Status AppStore::install(const std::string& app, const std::string& version,
                         const Manifest& manifest) {
  if (!is_app_name(app) || !is_sha256_hex(version)) return bad_name();
  // One at a time: two orders for one version would meet in its temporary directory.
  const std::lock_guard lock(mutex_);
  const std::string path = version_path(app, version), temp = path + std::string(kTemp);
  if (exists(path)) return {};
  if (auto made = make_directories(root_ + "/apps/" + app); !made) return made;
  Status built = remove_tree(temp);
  if (built) built = link_files(temp, version, manifest);
  if (built) built = rename_path(temp, path);
  if (!built) {
    (void)remove_tree(temp);
    return built;
  }
  if (auto synced = sync_directory(root_ + "/apps/" + app); !synced) return synced;
  return sync_directory(root_ + "/apps");
}

Status AppStore::link_files(const std::string& directory, const std::string& version,
                            const Manifest& manifest) const {
  const bool with_files = std::any_of(manifest.files.begin(), manifest.files.end(),
                                      [](const auto& f) { return f.kind == FileKind::kFile; });
  std::vector<std::string> made = {directory, directory + "/bin", directory + "/lib"};
  if (with_files) made.push_back(directory + "/files");
  for (const std::string& path : made)
    if (auto result = make_directory(path, 0755); !result) return result;
  const auto link_blob = [&](const std::string& sha256, const std::string& name) -> Status {
    if (::link(blobs_.path(sha256).c_str(), name.c_str()) == 0) return {};
    return system_error("link blob " + sha256.substr(0, 12) + " as", name);
  };
  for (const Manifest::File& file : manifest.files) {
    if (!is_sha256_hex(file.sha256) || !is_file_name(file.name)) return bad_name();
    const std::string name = directory + std::string(folder(file.kind)) + file.name;
    if (auto linked = link_blob(file.sha256, name); !linked) return linked;
  }
  if (auto linked = link_blob(version, directory + "/manifest"); !linked) return linked;
  for (const std::string& path : made)
    if (auto synced = sync_directory(path); !synced) return synced;
  return {};
}

bool AppStore::has_work_dir(const std::string& instance) const {
  return exists(work_path(instance) + "/tmp");
}

bool AppStore::has_files(const std::string& app, const std::string& version) const {
  return exists(version_path(app, version) + "/files");
}

Status AppStore::make_work_dir(const std::string& instance, const std::string& app,
                               const std::string& version) {
  const auto name = parse_instance_name(instance);
  if (!name || name->app != app || !is_sha256_hex(version)) return bad_name();
  const std::string path = work_path(instance);
  if (!exists(path)) {
    const bool with_files = has_files(app, version);
    auto made = with_files ? make_with_files(path, version_path(app, version)) : make_shared(path);
    if (!made) return made;
  }
  // An app may have removed it, or we were interrupted before it was made.
  if (exists(path + "/tmp")) return {};
  return make_shared(path + "/tmp");
}

Status AppStore::make_shared(const std::string& path) const {
  if (auto made = make_directory(path, 0700); !made || !app_group_) return made;
  return share(path, 0700);
}

// A directory under its name holds every file: it is put together under another.
Status AppStore::make_with_files(const std::string& path,
                                 const std::string& version_directory) const {
  const std::string temp = path + std::string(kTemp);
  if (auto cleared = remove_tree(temp); !cleared) return cleared;
  Status made = make_shared(temp);
  if (made) made = copy_files(version_directory, temp);
  if (made) made = rename_path(temp, path);
  if (!made) (void)remove_tree(temp);
  return made;
}

// Copies, not links: an app may write to what it was given, and must not change the blob by it.
Status AppStore::copy_files(const std::string& version_directory, const std::string& to) const {
  const auto text = read_file(version_directory + "/manifest", kMaxManifest);
  if (!text) return text.error();
  const auto manifest = parse_manifest(*text);
  if (!manifest) return manifest.error();
  for (const Manifest::File& file : manifest->files) {
    if (file.kind != FileKind::kFile) continue;
    const std::string target = to + "/" + file.name;
    if (auto copied = copy_file(version_directory + "/files/" + file.name, target); !copied)
      return copied;
    if (auto shared = share(target, file.mode); !shared) return shared;
  }
  return sync_directory(to);
}

// Sets the mode. An agent that is not root cannot give a file to the apps' user, but it is a
// member of that user's group: the group then may do what the owner may.
Status AppStore::share(const std::string& path, unsigned mode) const {
  if (app_group_) {
    if (::chown(path.c_str(), static_cast<uid_t>(-1), *app_group_) != 0)
      return system_error("change the group of", path);
    mode = (mode & ~070U) | (mode & 0700U) >> 3;
  }
  if (::chmod(path.c_str(), mode) != 0) return system_error("change the mode of", path);
  return {};
}

Result<Fd> AppStore::open_log(const std::string& instance, std::int64_t run) const {
  if (!parse_instance_name(instance)) return bad_name();
  const std::string name = instance + "." + std::to_string(run);
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
  Fd fd(::openat(logs_.get(), name.c_str(), kFlags, 0640));
  if (!fd.valid()) return system_error("open log", name);
  return fd;
}

Result<Fd> AppStore::read_log(const std::string& instance, std::int64_t run) const {
  if (!parse_instance_name(instance)) return bad_name();
  const std::string name = instance + "." + std::to_string(run);
  Fd fd(::openat(logs_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT)
    return fail(Code::kNotFound, instance + " has no log of run " + std::to_string(run));
  if (!fd.valid()) return system_error("open log", name);
  return fd;
}

std::optional<std::int64_t> AppStore::free_bytes() const {
  struct statvfs info {};
  if (::statvfs(root_.c_str(), &info) != 0) return std::nullopt;
  return static_cast<std::int64_t>(info.f_bavail) * static_cast<std::int64_t>(info.f_frsize);
}

Status AppStore::remove(const std::string& app, const std::vector<std::string>& instances) {
  if (!is_app_name(app)) return bad_name();
  for (const std::string& instance : instances) {
    const auto name = parse_instance_name(instance);
    if (!name || name->app != app) return bad_name();
  }
  const std::lock_guard lock(mutex_);
  if (auto dropped = drop_version_tree(app); !dropped) return dropped;
  for (const std::string& instance : instances) {
    if (auto dropped = drop_work_dir(instance); !dropped) return dropped;
    if (auto dropped = drop_logs(instance); !dropped) return dropped;
  }
  collect();
  return {};
}

// Renamed first: a version under its own name is whole, whenever we are interrupted.
Status AppStore::drop_version_tree(const std::string& app) {
  const std::string path = root_ + "/apps/" + app, gone = path + std::string(kGone);
  if (auto removed = remove_tree(gone); !removed) return removed;
  if (!exists(path)) return {};
  if (auto renamed = rename_path(path, gone); !renamed) return renamed;
  if (auto synced = sync_directory(root_ + "/apps"); !synced) return synced;
  return remove_tree(gone);
}

// Directories that the apps' user made inside are not ours to empty. The name must be free all
// the same; sweep() removes the rest when root starts us the next time.
Status AppStore::drop_work_dir(const std::string& instance) {
  const std::string path = work_path(instance);
  const Status removed = remove_tree(path);
  if (removed || removed.error().code != Code::kDenied) return removed;
  return rename_path(path, path + "." + random_hex(4) + std::string(kGone));
}

Status AppStore::drop_logs(const std::string& instance) const {
  const std::string prefix = instance + ".";
  for (const std::string& name : names_in(root_ + "/logs"))
    if (name.starts_with(prefix) && ::unlinkat(logs_.get(), name.c_str(), 0) != 0 &&
        errno != ENOENT)
      return system_error("remove log", name);
  return {};
}

// A blob that only the store itself names belongs to no version.
void AppStore::collect() {
  for (const std::string& blob : blobs_.list()) {
    struct stat info {};
    if (pinned_.contains(blob) || ::lstat(blobs_.path(blob).c_str(), &info) != 0) continue;
    if (info.st_nlink == 1) (void)blobs_.remove(blob);
  }
  blobs_.discard_parts();
}

}  // namespace dm
