#include "common/io/remove_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>

#include "common/io/beneath.h"
#include "common/io/fd.h"
#include "common/io/system.h"

namespace dm {
namespace {

constexpr std::int64_t kMostEntries = 100'000'000;
constexpr std::size_t kAtOnce = 4096;  // names held in memory; the rest has its turn later

// An open directory for emptying. One of ours is made accessible first, whatever mode it has; by
// its descriptor, because its name may be another's a moment later.
Fd enter(int directory, const std::string& name) {
  constexpr int kLook = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  const Fd found(retry([&] { return ::openat(directory, name.c_str(), kLook); }));
  struct stat info {};
  if (!found.valid() || ::fstat(found.get(), &info) != 0) return Fd();
  if (info.st_uid == ::geteuid() && (info.st_mode & S_IRWXU) != S_IRWXU)
    ::chmod(("/proc/self/fd/" + std::to_string(found.get())).c_str(), S_IRWXU);
  return Fd(retry([&] { return ::openat(found.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
}

// Empties one directory. What is deep is lifted: a directory within a directory is renamed to the
// top and has its turn there, so that no depth costs a descriptor or a stack frame.
class Emptier {
 public:
  Emptier(int top, const std::string& shown)
      : top_(top), shown_(shown), prefix_(".lifted-" + random_hex(8) + "-") {}

  Status run() {
    for (auto names = names_in(top_, kAtOnce); !names.empty(); names = names_in(top_, kAtOnce))
      for (const std::string& name : names)
        if (auto removed = remove(name); !removed) return removed;
    return {};
  }

 private:
  Status fault(int error = errno) const { return system_error("remove", shown_, error); }

  enum class Unlinked { kGone, kDirectory, kFailed };
  static Unlinked unlink(int directory, const std::string& name) {
    if (::unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return Unlinked::kGone;
    if (errno != EISDIR) return Unlinked::kFailed;
    if (::unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT)
      return Unlinked::kGone;
    return errno == ENOTEMPTY || errno == EEXIST ? Unlinked::kDirectory : Unlinked::kFailed;
  }

  Status remove(const std::string& name) {
    if (++entries_ > kMostEntries) return fail(Code::kBusy, "remove " + shown_ + ": it only grows");
    const Unlinked first = unlink(top_, name);
    if (first == Unlinked::kGone) return {};
    if (first == Unlinked::kFailed) return fault();
    const Fd inside = enter(top_, name);
    if (!inside.valid()) return errno == ENOENT ? Status() : fault();
    for (const std::string& child : names_in(inside.get(), kAtOnce))
      if (auto lifted = remove_or_lift(inside.get(), child); !lifted) return lifted;
    if (unlink(top_, name) == Unlinked::kFailed) return fault();
    return {};  // one that is not empty yet is met in the next round
  }

  Status remove_or_lift(int inside, const std::string& child) {
    if (++entries_ > kMostEntries) return fail(Code::kBusy, "remove " + shown_ + ": it only grows");
    const Unlinked first = unlink(inside, child);
    if (first == Unlinked::kGone) return {};
    if (first == Unlinked::kFailed) return fault();
    // A directory can move only if it can be written to.
    if (!enter(inside, child).valid()) return errno == ENOENT ? Status() : fault();
    const std::string name = prefix_ + std::to_string(lifted_++);
    if (::renameat(inside, child.c_str(), top_, name.c_str()) != 0 && errno != ENOENT)
      return fault();
    return {};
  }

  int top_;
  const std::string& shown_;
  const std::string prefix_;
  std::int64_t lifted_ = 0, entries_ = 0;
};

Status remove_shown(int directory, const std::string& name, const std::string& shown) {
  for (int tries = 0; tries < 2; ++tries) {
    if (::unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return {};
    if (errno != EISDIR) return system_error("remove", shown);
    const Fd top = enter(directory, name);
    if (!top.valid()) return system_error("remove", shown);
    if (auto emptied = Emptier(top.get(), shown).run(); !emptied) return emptied;
    if (::unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  }
  return system_error("remove", shown);
}

}  // namespace

Status empty_directory(int directory, const std::string& shown) {
  return Emptier(directory, shown).run();
}

Status remove_tree_at(int directory, const std::string& name) {
  return remove_shown(directory, name, name);
}

Status remove_tree(const std::string& path) {
  return remove_shown(AT_FDCWD, path, path);
}

}  // namespace dm
