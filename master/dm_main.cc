// dm: gives commands to a running master.
#include <stdio.h>
#include <stdlib.h>

#include <string>
#include <vector>

#include "common/escape.h"
#include "common/flags.h"
#include "common/io/files.h"
#include "common/io/key_file.h"
#include "common/io/state_directory.h"
#include "master/client/io/keygen.h"
#include "master/client/io/run_client.h"

namespace {

struct DmOptions {
  std::string connect, secret_file;
};

constexpr dm::Flag<DmOptions> kFlags[] = {
    {{"connect", dm::Takes::kValue, "PATH|HOST:PORT",
      "DM_CONNECT, else the control.sock of the default dm-master state directory",
      "the master's control endpoint"},
     &dm::take_text<&DmOptions::connect>},
    {{"secret-file", dm::Takes::kValue, "F", "DM_SECRET_FILE",
      "a key for a remote master, made by 'dm keygen --control'"},
     &dm::take_text<&DmOptions::secret_file>},
};

std::string help_text() {
  return "usage: dm [OPTION]... [COMMAND [ARG]...]\n"
         "Gives a command to a running dm-master. Without a command: a shell on a terminal,\n"
         "else a script of commands on standard input.\n\n" +
         dm::flags_help(dm::texts_of(kFlags)) +
         "'dm help' lists the commands; 'dm keygen --help' explains keys.\n"
         "Exit status: 0 done, 1 failed, 2 usage, 3 what was named does not exist, 4 no master.\n";
}

int usage(const std::string& what) {
  fprintf(stderr, "dm: %s; 'dm --help' lists the options\n", dm::escape_for_terminal(what).c_str());
  return dm::kUsageError;
}

int fail_with(const std::string& what) {
  fprintf(stderr, "dm: %s\n", dm::escape_for_terminal(what).c_str());
  return dm::kFailed;
}

std::string default_endpoint() {
  if (const char* given = ::getenv("DM_CONNECT"); given && *given) return given;
  return dm::default_state_directory("dm-master") + "/control.sock";
}

}  // namespace

int main(int argc, char** argv) {
  dm::fill_standard_files();
  DmOptions given;
  given.connect = default_endpoint();
  if (const char* file = ::getenv("DM_SECRET_FILE")) given.secret_file = file;
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  // Behind the first word the options are the command's.
  const auto read = dm::read_flags(kFlags, arguments, dm::Operands::kFirstEndsFlags, given);
  if (!read) return usage(read.error().message);
  if (read->wish == dm::FlagsRead::Wish::kVersion) return ::puts("dm " DM_VERSION) < 0;
  if (read->wish == dm::FlagsRead::Wish::kHelp) return ::fputs(help_text().c_str(), stdout) < 0;
  const auto endpoint = dm::parse_endpoint(given.connect);
  if (!endpoint) return usage(endpoint.error().message);
  const std::vector<std::string>& words = read->operands;
  if (!words.empty() && words.front() == "keygen")
    return dm::run_keygen(std::vector<std::string>(words.begin() + 1, words.end()));
  dm::ClientOptions options;
  options.master = *endpoint;
  // On a Unix socket the kernel says who we are; a key is for masters elsewhere.
  if (!given.secret_file.empty() && !endpoint->is_unix()) {
    const auto key = dm::read_key_file(given.secret_file);
    if (!key) return fail_with(key.error().message);
    if (key->kind != dm::KeyKind::kControl)
      return fail_with("key file " + given.secret_file + ": dm needs a dm-control key");
    options.key = *key;
  }
  return dm::run_client(options, words);
}
