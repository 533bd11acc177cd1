// master/io/identity.h - who an operator is, in words, and what the role of a key allows.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "master/commands/command_table.h"

namespace dm::master {

std::string role_word(Role role);

// The role in a key's id, "operator.1". REQUIRES that the key has been proved.
Role role_of_key(std::string_view id);

// The name of a user, from /etc/passwd itself: a directory service may take its time. "uid N" for
// one that does not stand there.
std::string user_name(uid_t uid);

}  // namespace dm::master
