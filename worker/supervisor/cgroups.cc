#include "worker/supervisor/cgroups.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "common/io/system.h"
#include "worker/core/cgroup_place.h"
#include "worker/io/proc.h"

namespace dm::supervisor {

using namespace worker;

namespace {

constexpr std::int64_t kIdleMs = 30'000;
constexpr int kMaxDepth = 16;

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

// Removes a cgroup and those that the app made below it. The kernel refuses what holds a process.
bool remove_tree(const std::string& path, int depth) {
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return true;
  if (depth == 0) return false;
  {
    const Directory listing(::opendir(path.c_str()), &::closedir);
    while (const dirent* entry = listing ? ::readdir(listing.get()) : nullptr)
      if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
        remove_tree(path + "/" + entry->d_name, depth - 1);
  }
  return ::rmdir(path.c_str()) == 0;
}

}  // namespace

Cgroups::~Cgroups() {
  if (usable()) remove_tree(base_, kMaxDepth);
}

bool Cgroups::open(const std::string& root) {
  const auto mounts = read_small_file("/proc/self/mountinfo", std::size_t{1} << 20);
  const auto place = read_small_file("/proc/self/cgroup");
  const auto own = mounts && place ? own_cgroup(*mounts, *place) : std::nullopt;
  if (!own) return false;
  const std::string base = *own + "/" + cgroup_base_name(root);
  // What is left of a former supervisor goes, unless processes of its runs live on in there.
  remove_tree(base, kMaxDepth);
  if (::mkdir(base.c_str(), 0755) != 0 && errno != EEXIST) return false;
  if (::access((base + "/cgroup.procs").c_str(), W_OK) != 0) return false;
  base_ = base;
  return true;
}

bool Cgroups::make(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0) return true;
  // Somebody has tidied up above us.
  if (errno == ENOENT && ::mkdir(base_.c_str(), 0755) == 0) return ::mkdir(path.c_str(), 0755) == 0;
  // Nobody knows what was done to it: a new one in its place.
  return errno == EEXIST && cgroup_populated(path) == false && remove_tree(path, kMaxDepth) &&
         ::mkdir(path.c_str(), 0755) == 0;
}

std::string Cgroups::acquire(const RunKey& key) {
  if (!usable()) return {};
  const std::string own = base_ + "/" + key.instance;
  for (const std::string& path : {own, own + "." + std::to_string(key.run)}) {
    const auto found = uses_.find(path);
    if (found == uses_.end()) {
      if (!make(path)) continue;
      uses_[path].runs = 1;
      return path;
    }
    if (found->second.runs > 0 || found->second.spent) continue;
    // It was released when it was empty, so a restart finds it ready.
    found->second.runs = 1;
    --idle_;
    return path;
  }
  return {};
}

void Cgroups::keep(const std::string& path) {
  Use& use = uses_[path];
  if (use.runs == 0 && use.idle_since_ms > 0) --idle_;
  use.runs = 1;
}

std::string Cgroups::find_left(const RunKey& key) const {
  if (!usable()) return {};
  const std::string own = base_ + "/" + key.instance;
  for (const std::string& path : {own + "." + std::to_string(key.run), own}) {
    const auto found = uses_.find(path);
    const bool is_free = found == uses_.end() || found->second.runs == 0;
    if (is_free && cgroup_populated(path).value_or(false)) return path;
  }
  return {};
}

void Cgroups::release(const std::string& path, std::int64_t mono_ms, bool killed) {
  const auto found = uses_.find(path);
  if (found == uses_.end() || found->second.runs == 0) return;
  if (killed && remove_tree(path, kMaxDepth)) {
    uses_.erase(found);
    return;
  }
  found->second = {0, mono_ms, killed};
  ++idle_;
}

void Cgroups::sweep(std::int64_t mono_ms) {
  for (auto use = uses_.begin(); use != uses_.end();) {
    const bool old = use->second.runs == 0 && mono_ms - use->second.idle_since_ms >= kIdleMs;
    if (old && remove_tree(use->first, kMaxDepth)) {
      use = uses_.erase(use);
      --idle_;
    } else {
      ++use;
    }
  }
}

Fd Cgroups::open_directory(const std::string& path) {
  return Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

bool Cgroups::kill(const std::string& path) {
  const Fd fd(::open((path + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
  return fd.valid() && retry([&] { return ::write(fd.get(), "1", 1); }) == 1;
}

}  // namespace dm::supervisor
