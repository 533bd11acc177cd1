#include "worker/supervisor/users.h"

#include <grp.h>
#include <pwd.h>

namespace dm {
namespace {

std::vector<gid_t> supplementary_groups(const char* name, gid_t gid) {
  int count = 32;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (::getgrouplist(name, gid, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
    if (::getgrouplist(name, gid, groups.data(), &count) < 0) return {gid};
  }
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

}  // namespace

Result<std::vector<AppUser>> find_users(const std::vector<std::string>& names) {
  std::vector<AppUser> users;
  for (const std::string& name : names) {
    const passwd* entry = ::getpwnam(name.c_str());
    if (entry == nullptr) return fail(Code::kNotFound, "no user named " + name);
    if (entry->pw_uid == 0 || entry->pw_gid == 0)
      return fail(Code::kDenied, "user " + name + " is the superuser");
    AppUser user{name, entry->pw_uid, entry->pw_gid, {}};
    user.groups = supplementary_groups(name.c_str(), user.gid);
    users.push_back(std::move(user));
  }
  return users;
}

}  // namespace dm
