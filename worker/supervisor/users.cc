#include "worker/supervisor/users.h"

#include <pwd.h>

#include "worker/io/privileges.h"

namespace dm::supervisor {

using namespace worker;

Result<std::vector<AppUser>> find_users(const std::vector<std::string>& names) {
  std::vector<AppUser> users;
  for (const std::string& name : names) {
    const passwd* entry = ::getpwnam(name.c_str());
    if (entry == nullptr) return fail(Code::kNotFound, "no user named " + name);
    if (entry->pw_uid == 0 || entry->pw_gid == 0)
      return fail(Code::kDenied, "user " + name + " is the superuser");
    AppUser user{name, entry->pw_uid, entry->pw_gid, {}};
    user.groups = groups_of(name, user.gid);
    users.push_back(std::move(user));
  }
  return users;
}

}  // namespace dm::supervisor
