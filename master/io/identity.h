// master/io/identity.h - who an operator is, in words, and what the role of a key allows.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "master/commands/command_table.h"

namespace dm::master {

// The role in a key's id, "operator.1". REQUIRES that the key has been proved.
Role role_of_key(std::string_view id);

// The name of a user, from /etc/passwd itself: a directory service may take its time. "uid N" for
// one that does not stand there.
std::string user_name(uid_t uid);

// What --control-group gives to the members of a group.
struct GroupRole {
  gid_t gid = 0;
  Role role = Role::kViewer;
};
// GROUP=ROLE; GROUP is a name of /etc/group or a number. Errors: bad-arg, with what is wrong.
Result<GroupRole> parse_group_role(std::string_view text);

// The highest role that any of the groups has; nullopt if none has one.
std::optional<Role> role_of_groups(const std::vector<GroupRole>& rules,
                                   const std::vector<gid_t>& groups);

// Lets the groups at a control socket of ours: one group gets the file, of several anybody may
// knock, for who is let in the peer's credentials say. False if its directory keeps all of them
// out. Errors: system_error's.
Result<bool> share_socket(const std::string& path, const std::vector<GroupRole>& groups);

}  // namespace dm::master
