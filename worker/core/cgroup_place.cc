#include "worker/core/cgroup_place.h"

#include <cstdint>
#include <vector>

namespace dm::worker {
namespace {

std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return part;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) parts.push_back(take_until(text, separator));
  return parts;
}

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

// mountinfo writes space, tab, newline and backslash as three octal digits.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                               (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

struct Mount {
  std::string root;   // the part of the cgroup tree that is mounted
  std::string point;  // where
};

std::optional<Mount> find_v2(std::string_view mountinfo) {
  for (std::string_view line : split(mountinfo, '\n')) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    if (line.substr(dash + 3, 8) != "cgroup2 ") continue;
    const auto fields = split(line.substr(0, dash), ' ');
    if (fields.size() > 4) return Mount{unescape(fields[3]), unescape(fields[4])};
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> own_cgroup(std::string_view mountinfo, std::string_view self_cgroup) {
  const auto mount = find_v2(mountinfo);
  if (!mount) return std::nullopt;
  for (std::string_view line : split(self_cgroup, '\n')) {
    if (!line.starts_with("0::/")) continue;
    std::string_view path = line.substr(3);
    if (path.ends_with(" (deleted)") || path.starts_with("/..")) return std::nullopt;
    if (mount->root != "/") {
      if (!path.starts_with(mount->root)) return std::nullopt;
      path.remove_prefix(mount->root.size());
      if (!path.empty() && path[0] != '/') return std::nullopt;
    }
    if (path == "/") path = {};
    return mount->point + std::string(path);
  }
  return std::nullopt;
}

std::string cgroup_base_name(std::string_view root) {
  std::uint32_t hash = 2166136261U;
  for (char c : root) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  constexpr char kHex[] = "0123456789abcdef";
  std::string name = "dm-";
  for (int shift = 28; shift >= 0; shift -= 4) name += kHex[(hash >> shift) & 15U];
  return name;
}

}  // namespace dm::worker
