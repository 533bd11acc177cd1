// worker/supervisor/users.h - the users that runs may be given. Looks names up once, at the start.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/result.h"

namespace dm::supervisor {

struct AppUser {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // supplementary ones: groups_of()
};

// Errors: not-found for a name that is none, denied for the superuser or his group under any name.
Result<std::vector<AppUser>> find_users(const std::vector<std::string>& names);

}  // namespace dm::supervisor
