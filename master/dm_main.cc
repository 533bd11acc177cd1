// dm: gives commands to a running master.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "common/escape.h"
#include "common/io/files.h"
#include "common/io/key_file.h"
#include "common/io/state_directory.h"
#include "master/client/io/keygen.h"
#include "master/client/io/run_client.h"

namespace {

constexpr char kHelp[] =
    R"(usage: dm [OPTION]... [COMMAND [ARG]...]
Gives a command to a running dm-master. Without a command: a shell on a terminal,
else a script of commands on standard input.

  --connect PATH|HOST:PORT  the master's control endpoint (DM_CONNECT, else the
                            control.sock of the default dm-master state directory)
  --secret-file F           a key for a remote master (DM_SECRET_FILE)
  --version, --help
'dm help' lists the commands; 'dm keygen --help' explains keys.
Exit status: 0 done, 1 failed, 2 usage, 3 what was named does not exist, 4 no master.
)";

enum Flag { kConnect = 256, kSecret, kVersion, kHelpFlag };

constexpr option kOptions[] = {
    {"connect", required_argument, nullptr, kConnect},
    {"secret-file", required_argument, nullptr, kSecret},
    {"version", no_argument, nullptr, kVersion},
    {"help", no_argument, nullptr, kHelpFlag},
    {nullptr, 0, nullptr, 0},
};

int usage(const std::string& what) {
  fprintf(stderr, "dm: %s; 'dm --help' lists the options\n", dm::escape_for_terminal(what).c_str());
  return dm::kUsage;
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
  std::string connect = default_endpoint();
  const char* from_environment = ::getenv("DM_SECRET_FILE");
  std::string secret = from_environment ? from_environment : "";
  ::opterr = 0;
  while (true) {
    // The "+" leaves the options of the command to the command.
    const int flag = ::getopt_long(argc, argv, "+", kOptions, nullptr);
    if (flag == -1) break;
    switch (flag) {
      case kConnect: connect = ::optarg; break;
      case kSecret: secret = ::optarg; break;
      case kVersion: puts("dm " DM_VERSION); return 0;
      case kHelpFlag: fputs(kHelp, stdout); return 0;
      default: return usage("unknown option or missing value: " + std::string(argv[optind - 1]));
    }
  }
  const auto endpoint = dm::parse_endpoint(connect);
  if (!endpoint) return usage(endpoint.error().message);
  const std::vector<std::string> words(argv + optind, argv + argc);
  if (!words.empty() && words.front() == "keygen")
    return dm::run_keygen(std::vector<std::string>(words.begin() + 1, words.end()));
  dm::ClientOptions options;
  options.master = *endpoint;
  // On a Unix socket the kernel says who we are; a key is for masters elsewhere.
  if (!secret.empty() && !endpoint->is_unix()) {
    const auto key = dm::read_key_file(secret);
    if (!key) return fail_with(key.error().message);
    if (key->kind != dm::KeyKind::kControl)
      return fail_with("key file " + secret + ": dm needs a dm-control key");
    options.key = *key;
  }
  return dm::run_client(options, words);
}
