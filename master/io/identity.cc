#include "master/io/identity.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/access_key.h"
#include "common/codec.h"
#include "common/escape.h"
#include "common/io/files.h"
#include "common/io/system.h"

namespace dm::master {
namespace {

// Field 0, 1, ... of a row whose fields are divided by colons.
std::string_view field_of(std::string_view row, std::size_t field) {
  for (; field > 0 && !row.empty(); --field)
    row.remove_prefix(std::min(row.find(':'), row.size() - 1) + 1);
  return row.substr(0, row.find(':'));
}

}  // namespace

Role role_of_key(std::string_view id) {
  if (id.starts_with("admin.")) return Role::kAdmin;
  return id.starts_with("operator.") ? Role::kOperator : Role::kViewer;
}

namespace {

// The row of /etc/passwd or /etc/group whose field (0, 1, ...) has that value; empty if none.
std::string find_row(const char* file, std::size_t field, std::string_view value) {
  const auto text = read_file(file, 1 << 20);
  if (!text) return "";
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = std::min(text->find('\n', at), text->size());
    const std::string row = text->substr(at, end - at);
    if (field_of(row, field) == value) return row;
    at = end + 1;
  }
  return "";
}

}  // namespace

std::string user_name(uid_t uid) {
  const std::string number = std::to_string(uid);
  const std::string row = find_row("/etc/passwd", 2, number);
  return row.empty() ? "uid " + number : std::string(field_of(row, 0));
}

Result<GroupRole> parse_group_role(std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::string_view group = text.substr(0, equals);
  const std::string_view role = equals == text.npos ? "" : text.substr(equals + 1);
  if (!is_role(role) || group.empty())
    return fail(Code::kBadArg,
                "expected GROUP=viewer, =operator or =admin, got '" + excerpt(text) + "'");
  const std::string row = find_row("/etc/group", 0, group);
  const auto gid = parse_integer(row.empty() ? group : field_of(row, 2));
  if (!gid || *gid < 0 || *gid > 0xfffffffe)
    return fail(Code::kBadArg, "no group '" + excerpt(group) + "' in /etc/group");
  return GroupRole{static_cast<gid_t>(*gid), role_of_key(std::string(role) + ".")};
}

std::optional<Role> role_of_groups(const std::vector<GroupRole>& rules,
                                   const std::vector<gid_t>& groups) {
  std::optional<Role> best;
  for (const GroupRole& rule : rules) {
    const bool member = std::find(groups.begin(), groups.end(), rule.gid) != groups.end();
    if (member && (!best || *best < rule.role)) best = rule.role;
  }
  return best;
}

Result<bool> share_socket(const std::string& path, const std::vector<GroupRole>& groups) {
  if (groups.empty()) return true;
  const bool one = groups.size() == 1;
  if (one && ::chown(path.c_str(), static_cast<uid_t>(-1), groups.front().gid) != 0)
    return system_error("give to its group the socket", path);
  if (::chmod(path.c_str(), one ? 0660 : 0666) != 0) return system_error("open", path);
  struct stat info {};
  return ::stat(parent_directory(path).c_str(), &info) != 0 || (info.st_mode & 011) != 0;
}

}  // namespace dm::master
