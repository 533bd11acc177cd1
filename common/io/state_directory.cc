#include "common/io/state_directory.h"

#include <unistd.h>

#include <cstdlib>

namespace dm {

std::string default_state_directory(const std::string& program) {
  if (::geteuid() == 0) return "/var/lib/" + program;
  return personal_state_directory(program);
}

std::string personal_state_directory(const std::string& program) {
  if (const char* xdg = std::getenv("XDG_STATE_HOME"); xdg && *xdg == '/')
    return std::string(xdg) + "/" + program;
  const char* home = std::getenv("HOME");
  return std::string(home && *home ? home : "/tmp") + "/.local/state/" + program;
}

}  // namespace dm
