#include "worker/io/privileges.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "common/io/fd.h"
#include "common/io/system.h"
#include "worker/io/capabilities.h"

namespace dm::worker {
namespace {

constexpr int kNoFollow = AT_SYMLINK_NOFOLLOW;
constexpr std::size_t kMostWays = 200;  // directories in a path; an exit status has a byte

// `depth` levels of directories below this one are entered; -1 for all of them.
Status give(int directory, const char* name, const std::string& shown, const Account& owner,
            int depth) {
  struct stat info {};
  if (::fstatat(directory, name, &info, kNoFollow) != 0) return system_error("look at", shown);
  if (::fchownat(directory, name, owner.uid, owner.gid, kNoFollow) != 0)
    return system_error("change the owner of", shown);
  if (!S_ISDIR(info.st_mode) || depth == 0) return {};
  const int fd = ::openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return system_error("open", shown);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd), &::closedir);
  if (!stream) return system_error("open", shown);
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string child = entry->d_name;
    if (child == "." || child == "..") continue;
    if (auto given = give(fd, entry->d_name, shown + "/" + child, owner, depth - 1); !given)
      return given;
  }
  return {};
}

}  // namespace

std::optional<Account> find_account(const std::string& name) {
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr || entry->pw_uid == 0 || entry->pw_gid == 0) return std::nullopt;
  return Account{name, entry->pw_uid, entry->pw_gid};
}

Status give_directory(const std::string& root, const Account& owner) {
  struct stat info {};
  if (::lstat(root.c_str(), &info) != 0) return system_error("look at", root);
  if (info.st_uid == owner.uid) return {};
  const Fd fd(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(root.c_str()), &::closedir);
  if (!fd.valid() || !stream) return system_error("open", root);
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string child = entry->d_name;
    if (child == "." || child == "..") continue;
    // Each instance's directory itself changes hands, what its app made in it does not.
    const int depth = child == "work" ? 1 : -1;
    if (auto given = give(fd.get(), entry->d_name, root + "/" + child, owner, depth); !given)
      return given;
  }
  // Last: whoever is interrupted before this begins again.
  if (::fchown(fd.get(), owner.uid, owner.gid) != 0)
    return system_error("change the owner of", root);
  return {};
}

std::vector<gid_t> groups_of(const std::string& name, gid_t gid) {
  int count = 32;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (::getgrouplist(name.c_str(), gid, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
    if (::getgrouplist(name.c_str(), gid, groups.data(), &count) < 0) return {gid};
  }
  groups.resize(static_cast<std::size_t>(count));
  std::erase(groups, gid_t{0});
  return groups;
}

std::optional<std::string> closed_directory(const std::string& path, const Account& account) {
  std::vector<std::string> ways;
  for (std::size_t at = 0; at != std::string::npos;) {
    at = path.find('/', at + 1);
    ways.push_back(path.substr(0, at));
  }
  const std::vector<gid_t> groups = groups_of(account.name, account.gid);
  // The status is the place of the closed one, from 1 on; 0: all are open.
  const pid_t child = ::fork();
  if (child < 0) return std::nullopt;
  if (child == 0) {
    if (::setgroups(groups.size(), groups.data()) != 0 ||
        ::setresgid(account.gid, account.gid, account.gid) != 0 ||
        ::setresuid(account.uid, account.uid, account.uid) != 0)
      ::_exit(0);
    for (std::size_t i = 0; i < ways.size() && i < kMostWays; ++i)
      if (::access(ways[i].c_str(), X_OK) != 0) ::_exit(static_cast<int>(i) + 1);
    ::_exit(0);
  }
  int status = 0;
  (void)retry([&] { return ::waitpid(child, &status, 0); });
  const int place = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  if (place == 0) return std::nullopt;
  return ways[static_cast<std::size_t>(place) - 1];
}

Status become(const Account& agent, const std::vector<Account>& apps) {
  std::vector<gid_t> groups = groups_of(agent.name, agent.gid);
  for (const Account& app : apps) groups.push_back(app.gid);
  drop_capability_bounds();
  if (::setgroups(groups.size(), groups.data()) != 0 ||
      ::setresgid(agent.gid, agent.gid, agent.gid) != 0 ||
      ::setresuid(agent.uid, agent.uid, agent.uid) != 0 || !drop_capabilities())
    return system_error("become", agent.name);
  return {};
}

}  // namespace dm::worker
