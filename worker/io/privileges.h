// worker/io/privileges.h - from root to the agent's user, for good. Decides nothing about who that
// is.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "common/result.h"

namespace dm::worker {

struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

// The account of that name; nullopt if there is none. Root is none, nor is one in root's group:
// nothing is gained by it.
std::optional<Account> find_account(const std::string& name);

// The groups of a user, `gid` included (getgrouplist(3)); root's is nobody's.
std::vector<gid_t> groups_of(const std::string& name, gid_t gid);

// Gives a root directory to its user: itself and all below it, but not what is in the working
// directories of apps. Nothing to do if it is the user's already. No link is followed.
// Errors: system_error's.
Status give_directory(const std::string& root, const Account& owner);

// The first directory on the way to `path`, `path` included, that this user may not pass; nullopt
// if there is none. Asked of the kernel, in a child process of that user.
std::optional<std::string> closed_directory(const std::string& path, const Account& account);

// Becomes the agent's user, without a capability: a member of its own groups and of those that apps
// run in, so that it can share directories with them. Errors: system_error's; then we may be
// neither one nor the other, and must end.
Status become(const Account& agent, const std::vector<Account>& apps);

}  // namespace dm::worker
