#include "common/io/failpoint.h"

#ifdef DM_FAILPOINTS

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

namespace dm {
namespace {

struct ErrorName {
  const char* name;
  int error;
};
constexpr ErrorName kErrors[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC},        {"EMFILE", EMFILE},
                                 {"ENFILE", ENFILE}, {"EAGAIN", EAGAIN},        {"ENOMEM", ENOMEM},
                                 {"EINTR", EINTR},   {"EOPNOTSUPP", EOPNOTSUPP}};

struct Failpoint {
  std::string point;
  int error = 0;
  long first = 1, last = 0;  // the calls that fail
  long calls = 0;
};

// A test that asks for a failure which never comes would prove nothing.
[[noreturn]] void refuse(const std::string& entry) {
  std::fprintf(stderr, "DM_FAIL: not POINT:ERROR[@N[+]]: %s\n", entry.c_str());
  std::_Exit(100);
}

Failpoint parse_entry(const std::string& entry) {
  const std::size_t colon = entry.find(':'), at = entry.find('@');
  if (colon == std::string::npos) refuse(entry);
  Failpoint parsed;
  parsed.point = entry.substr(0, colon);
  parsed.last = -1;
  const std::string error = entry.substr(colon + 1, at - colon - 1);
  for (const ErrorName& row : kErrors)
    if (error == row.name) parsed.error = row.error;
  if (at != std::string::npos) {
    char* rest = nullptr;
    parsed.first = std::strtol(entry.c_str() + at + 1, &rest, 10);
    parsed.last = *rest == '+' ? -1 : parsed.first;
    if (*rest == '+') ++rest;
    if (*rest != '\0') refuse(entry);
  }
  if (parsed.error == 0 || parsed.first < 1) refuse(entry);
  return parsed;
}

std::vector<Failpoint> parse_all(const char* text) {
  std::vector<Failpoint> all;
  std::string rest = text != nullptr ? text : "";
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    all.push_back(parse_entry(rest.substr(0, comma)));
    rest.erase(0, comma == std::string::npos ? comma : comma + 1);
  }
  return all;
}

}  // namespace

bool with_failpoints::fails_at(std::string_view point) {
  // Helper threads come here too.
  static std::mutex lock;
  static std::vector<Failpoint> failpoints = parse_all(std::getenv("DM_FAIL"));
  const std::lock_guard guard(lock);
  int error = 0;
  for (Failpoint& each : failpoints) {
    if (each.point != point) continue;
    ++each.calls;
    if (each.calls >= each.first && (each.last < 0 || each.calls <= each.last)) error = each.error;
  }
  if (error != 0) errno = error;
  return error != 0;
}

}  // namespace dm

#endif
