#include "worker/io/app_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <memory>

#include "common/escape.h"
#include "common/io/beneath.h"
#include "common/io/failpoint.h"
#include "common/io/files.h"
#include "common/io/remove_tree.h"
#include "common/io/sparse.h"
#include "common/io/system.h"
#include "common/names.h"
#include "worker/core/app_place.h"
#include "worker/io/log_head.h"

namespace dm::worker {
namespace {

constexpr const char* kApps = "apps";
constexpr const char* kWork = "work";
constexpr const char* kScratch = "tmp";  // an instance's TMPDIR, in its working directory
// Neither an app's nor an instance's name can look like these.
constexpr std::string_view kTemp = ".tmp";
constexpr std::string_view kGone = ".gone";
constexpr std::size_t kMostNamed = 5;  // of what cannot be removed

Status rename_in(int directory, const std::string& from, const std::string& to) {
  if (::renameat(directory, from.c_str(), directory, to.c_str()) != 0)
    return system_error("rename", from);
  return {};
}

Status sync_open(const Fd& directory, const std::string& shown) {
  if (::fsync(directory.get()) != 0) return system_error("sync", shown);
  return {};
}

// A new directory, open.
Result<Fd> make_new(int parent, const std::string& name, mode_t mode) {
  if (::mkdirat(parent, name.c_str(), mode) != 0) return system_error("make", name);
  return open_directory_beneath(parent, name);
}

Status copy_bytes(int from, int to, const std::string& shown) {
  constexpr std::size_t kBlock = 256 * 1024;
  const auto buffer = std::make_unique<char[]>(kBlock);
  for (std::int64_t at = 0;;) {
    const ssize_t got = retry([&] { return ::read(from, buffer.get(), kBlock); });
    if (got < 0) return system_error("read", shown);
    if (got == 0) break;
    const std::string_view bytes(buffer.get(), static_cast<std::size_t>(got));
    if (auto written = write_sparse(to, bytes, at); !written)
      return fail(written.error().code, shown + ": " + written.error().message);
    at += got;
  }
  if (::fsync(to) != 0) return system_error("sync", shown);
  return {};
}

std::string_view folder(FileKind kind) {
  constexpr std::string_view kFolders[] = {"bin", "lib", "files"};
  return kFolders[static_cast<int>(kind)];
}

std::string what_is_left(int work, const std::string& instance, const Status& why) {
  std::string text = "work/" + instance + " cannot be removed";
  if (!why) text += ": " + why.error().message;
  const auto directory = open_directory_beneath(work, instance);
  if (!directory) return text;
  const std::vector<std::string> names = names_in(directory->get(), kMostNamed);
  for (const std::string& name : names) {
    struct stat info {};
    if (::fstatat(directory->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    text += (&name == &names.front() ? "; left are " : ", ") + excerpt(name) + " (user " +
            std::to_string(info.st_uid) + ")";
  }
  return text + (names.size() == kMostNamed ? " and perhaps others" : "");
}

Error bad_name() {
  return fail(Code::kBadArg, "no valid name of an app, version or instance");
}

}  // namespace

AppStore::AppStore(std::string root, std::vector<gid_t> app_groups)
    : root_(std::move(root)), app_groups_(std::move(app_groups)), blobs_(root_ + "/blobs") {}

Status AppStore::prepare() {
  if (auto made = blobs_.prepare(); !made) return made;
  top_.reset(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!top_.valid()) return system_error("open", root_);
  for (const char* name : {kApps, kWork})
    if (auto made = make_directory_beneath(top_.get(), name); !made) return made.error();
  auto logs = make_directory_beneath(top_.get(), "logs", 0750);
  if (!logs) return logs.error();
  logs_ = std::move(*logs);
  return {};
}

void AppStore::sweep(const std::string& root) {
  const Fd top(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (const char* place : {kApps, kWork}) {
    const auto directory = open_directory_beneath(top.get(), place);
    if (!directory) continue;
    for (const std::string& name : names_in(directory->get()))
      if (name.ends_with(kGone)) (void)remove_tree_at(directory->get(), name);
  }
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
  const auto place = make_directory_beneath(top_.get(), std::string(kApps) + "/" + app);
  if (!place) return place.error();
  if (auto closed = close_to_others(*place, app); !closed) return closed;
  if (open_directory_beneath(place->get(), version)) return {};
  const std::string temp = version + std::string(kTemp);
  Status built = remove_tree_at(place->get(), temp);
  if (built) built = link_files(place->get(), temp, version, manifest);
  // What stands there is none of ours: a version is a directory.
  if (built) built = remove_tree_at(place->get(), version);
  if (built) built = rename_in(place->get(), temp, version);
  if (!built) {
    (void)remove_tree_at(place->get(), temp);
    return built;
  }
  if (auto synced = sync_open(*place, app); !synced) return synced;
  const auto apps = open_directory_beneath(top_.get(), kApps);
  return apps ? sync_open(*apps, kApps) : Status(apps.error());
}

// What is in an app's directory is for its own user's eyes, by the group.
Status AppStore::close_to_others(const Fd& place, const std::string& app) const {
  if (app_groups_.empty()) return {};
  const gid_t group = app_groups_[place_of_app(app, app_groups_.size())];
  if (::fchown(place.get(), static_cast<uid_t>(-1), group) != 0)
    return system_error("change the group of", app);
  if (::fchmod(place.get(), 0750) != 0) return system_error("change the mode of", app);
  return {};
}

Status AppStore::link_files(int place, const std::string& name, const std::string& version,
                            const Manifest& manifest) const {
  const auto directory = make_new(place, name, 0755);
  if (!directory) return directory.error();
  for (const FileKind kind : {FileKind::kExe, FileKind::kLib, FileKind::kFile}) {
    const bool wanted = std::any_of(manifest.files.begin(), manifest.files.end(),
                                    [&](const auto& file) { return file.kind == kind; });
    if (!wanted && kind == FileKind::kFile) continue;
    // Files are copied from there for each instance; nobody else has to see them.
    const mode_t mode = kind == FileKind::kFile ? 0700 : 0755;
    const auto inside = make_new(directory->get(), std::string(folder(kind)), mode);
    if (!inside) return inside.error();
    for (const Manifest::File& file : manifest.files) {
      if (file.kind != kind) continue;
      if (!is_sha256_hex(file.sha256) || !is_file_name(file.name)) return bad_name();
      if (auto linked = blobs_.link_as(file.sha256, inside->get(), file.name); !linked)
        return linked;
    }
    if (auto synced = sync_open(*inside, name); !synced) return synced;
  }
  if (auto linked = blobs_.link_as(version, directory->get(), "manifest"); !linked) return linked;
  return sync_open(*directory, name);
}

bool AppStore::has_work_dir(const std::string& instance) const {
  const Fd own = open_beneath(top_.get(), work_path(instance), O_PATH | O_DIRECTORY);
  return own.valid() && is_beneath(own.get(), kScratch);
}

bool AppStore::has_files(const std::string& app, const std::string& version) const {
  const std::string path = version_path(app, version) + "/" + std::string(folder(FileKind::kFile));
  return open_beneath(top_.get(), path, O_PATH | O_DIRECTORY).valid();
}

Status AppStore::make_work_dir(const std::string& instance, const std::string& app,
                               const std::string& version) {
  const auto name = parse_instance_name(instance);
  if (!name || name->app != app || !is_sha256_hex(version)) return bad_name();
  const auto work = open_directory_beneath(top_.get(), kWork);
  if (!work) return work.error();
  Group group;
  if (!app_groups_.empty()) group = app_groups_[place_of_app(app, app_groups_.size())];
  if (!is_beneath(work->get(), instance)) {
    auto made = make_with_files(work->get(), instance, version_path(app, version), group);
    if (!made) return made;
  }
  const auto own = open_directory_beneath(work->get(), instance);
  if (!own) return own.error();
  // An app may have removed it, or put something else in its place, which is its own affair.
  if (is_beneath(own->get(), kScratch)) return {};
  const auto scratch = make_new(own->get(), kScratch, 0700);
  return scratch ? share(*scratch, kScratch, 0700, group) : Status(scratch.error());
}

// A directory under its name holds every file: it is put together under another, and shared last.
Status AppStore::make_with_files(int work, const std::string& instance, const std::string& version,
                                 Group group) const {
  const std::string temp = instance + std::string(kTemp);
  if (auto cleared = remove_tree_at(work, temp); !cleared) return cleared;
  const auto directory = make_new(work, temp, 0700);
  Status made =
      directory ? copy_files(version, directory->get(), group) : Status(directory.error());
  if (made) made = share(*directory, temp, 0700, group);
  if (made) made = rename_in(work, temp, instance);
  if (!made) (void)remove_tree_at(work, temp);
  return made;
}

// Copies, not links: an app may write to what it was given, and must not change the blob by it.
Status AppStore::copy_files(const std::string& version, int to, Group group) const {
  const std::string files = version + "/" + std::string(folder(FileKind::kFile));
  const auto source = open_directory_beneath(top_.get(), files);
  if (!source) return source.error().code == Code::kNotFound ? Status() : source.error();
  const auto described = open_file_beneath(top_.get(), version + "/manifest", O_RDONLY);
  if (!described) return described.error();
  const auto text = read_whole(described->get(), "manifest", kMaxManifest);
  if (!text) return text.error();
  const auto manifest = parse_manifest(*text);
  if (!manifest) return manifest.error();
  for (const Manifest::File& file : manifest->files) {
    if (file.kind != FileKind::kFile) continue;
    const auto from = open_file_beneath(source->get(), file.name, O_RDONLY);
    if (!from) return from.error();
    const auto copy = open_file_beneath(to, file.name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!copy) return copy.error();
    if (auto copied = copy_bytes(from->get(), copy->get(), file.name); !copied) return copied;
    if (auto shared = share(*copy, file.name, file.mode, group); !shared) return shared;
  }
  if (::fsync(to) != 0) return system_error("sync", files);
  return {};
}

// Sets the mode. An agent that is not root cannot give a file to the apps' user, but it is a
// member of that user's group: the group then may do what the owner may.
Status AppStore::share(const Fd& file, const std::string& shown, unsigned mode, Group group) {
  if (group) {
    if (::fchown(file.get(), static_cast<uid_t>(-1), *group) != 0)
      return system_error("change the group of", shown);
    mode = (mode & ~070U) | (mode & 0700U) >> 3;
  }
  if (::fchmod(file.get(), mode) != 0) return system_error("change the mode of", shown);
  return {};
}

Result<Fd> AppStore::open_log(const std::string& instance, std::int64_t run) const {
  if (!parse_instance_name(instance)) return bad_name();
  const std::string name = instance + "." + std::to_string(run);
  if (fails_at("log.open")) return system_error("open", name);
  auto log = own_file_beneath(logs_.get(), name, O_WRONLY | O_APPEND, 0640);
  if (!log) return log;
  // Its app may open it by name, as /dev/stdout.
  const std::string app = parse_instance_name(instance)->app;
  if (!app_groups_.empty())
    if (auto shared = share(*log, name, 0600, app_groups_[place_of_app(app, app_groups_.size())]);
        !shared)
      return shared.error();
  begin_log(log->get());
  return log;
}

Result<Fd> AppStore::read_log(const std::string& instance, std::int64_t run) const {
  if (!parse_instance_name(instance)) return bad_name();
  const std::string name = instance + "." + std::to_string(run);
  auto fd = open_file_beneath(logs_.get(), name, O_RDONLY);
  if (!fd && fd.error().code == Code::kNotFound)
    return fail(Code::kNotFound, instance + " has no log of run " + std::to_string(run));
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
  if (auto dropped = drop_instances(instances); !dropped) return dropped;
  collect();
  return {};
}

Status AppStore::remove_instances(const std::vector<std::string>& instances) {
  for (const std::string& instance : instances)
    if (!parse_instance_name(instance)) return bad_name();
  const std::lock_guard lock(mutex_);
  return drop_instances(instances);
}

// Each is tried, whatever becomes of the others.
Status AppStore::drop_instances(const std::vector<std::string>& instances) {
  const auto work = open_directory_beneath(top_.get(), kWork);
  if (!work) return work.error();
  Status all;
  for (const std::string& instance : instances)
    if (auto dropped = drop_work_dir(work->get(), instance); !dropped && all) all = dropped;
  const Status logs = drop_logs({instances.begin(), instances.end()});
  return all ? logs : all;
}

// Renamed first: a version under its own name is whole, whenever we are interrupted.
Status AppStore::drop_version_tree(const std::string& app) {
  const auto apps = open_directory_beneath(top_.get(), kApps);
  if (!apps) return apps.error();
  const std::string gone = app + std::string(kGone);
  if (auto removed = remove_tree_at(apps->get(), gone); !removed) return removed;
  if (!is_beneath(apps->get(), app)) return {};
  if (auto renamed = rename_in(apps->get(), app, gone); !renamed) return renamed;
  if (auto synced = sync_open(*apps, kApps); !synced) return synced;
  return remove_tree_at(apps->get(), gone);
}

// Directories that the apps' user made inside are not ours to empty.
Status AppStore::drop_work_dir(int work, const std::string& instance) const {
  const Status removed = remove_tree_at(work, instance);
  if (removed || removed.error().code != Code::kDenied) return removed;
  auto directory = open_directory_beneath(work, instance);
  if (!directory) return removed;
  Status cleared = removed;
  const auto name = parse_instance_name(instance);
  if (clear_ && name && !app_groups_.empty())
    cleared = clear_(std::move(*directory), place_of_app(name->app, app_groups_.size()));
  if (remove_tree_at(work, instance)) return {};
  return fail(cleared ? Code::kDenied : cleared.error().code,
              what_is_left(work, instance, cleared));
}

// A log is named APP.N.RUN, what belongs to it begins like this.
Status AppStore::drop_logs(const std::set<std::string>& instances) const {
  for (const std::string& name : names_in(logs_.get())) {
    const std::size_t run = name.find('.', name.find('.') + 1);
    if (run == std::string::npos || !instances.contains(name.substr(0, run))) continue;
    if (auto removed = remove_tree_at(logs_.get(), name); !removed) return removed;
  }
  return {};
}

// A blob that only the store itself names belongs to no version.
void AppStore::collect() {
  for (const std::string& blob : blobs_.list())
    if (!pinned_.contains(blob) && blobs_.names(blob) == 1) (void)blobs_.remove(blob);
  blobs_.discard_parts();
}

}  // namespace dm::worker
