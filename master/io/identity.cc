#include "master/io/identity.h"

#include <algorithm>

#include "common/io/files.h"

namespace dm::master {

std::string role_word(Role role) {
  return role == Role::kViewer ? "viewer" : role == Role::kOperator ? "operator" : "admin";
}

Role role_of_key(std::string_view id) {
  if (id.starts_with("admin.")) return Role::kAdmin;
  return id.starts_with("operator.") ? Role::kOperator : Role::kViewer;
}

std::string user_name(uid_t uid) {
  const std::string number = std::to_string(uid);
  const auto passwd = read_file("/etc/passwd", 1 << 20);
  if (!passwd) return "uid " + number;
  std::size_t at = 0;
  while (at < passwd->size()) {
    const std::size_t end = std::min(passwd->find('\n', at), passwd->size());
    const std::string_view row = std::string_view(*passwd).substr(at, end - at);
    const std::size_t name = row.find(':');
    const std::size_t password = name == row.npos ? name : row.find(':', name + 1);
    if (password != row.npos && row.substr(password + 1).starts_with(number + ":"))
      return std::string(row.substr(0, name));
    at = end + 1;
  }
  return "uid " + number;
}

}  // namespace dm::master
