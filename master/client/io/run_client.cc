#include "master/client/io/run_client.h"

#include <unistd.h>

#include "common/io/files.h"
#include "common/io/state_directory.h"
#include "master/client/io/shell.h"

namespace dm {
namespace {

// ~/.local/state/dm/history; empty where no such directory can be made.
std::string history_path() {
  const std::string directory = personal_state_directory("dm");
  return make_directories(directory, 0700) ? directory + "/history" : "";
}

}  // namespace

int run_client(const ClientOptions& options, const std::vector<std::string>& words) {
  if (!words.empty()) return Client(options).run(words);
  const bool terminal = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
  if (!terminal || terminal_is_dumb()) return Client(options).run_script(STDIN_FILENO);
  return Shell(options, history_path()).run();
}

}  // namespace dm
