#include "master/io/options.h"

#include <getopt.h>

#include <cstdlib>

#include "common/codec.h"
#include "common/io/files.h"
#include "common/io/state_directory.h"
#include "common/units.h"

namespace dm::master {
namespace {

constexpr std::int64_t kLeastHistory = 16 * 1024;

constexpr char kHelp[] =
    R"(usage: dm-master [OPTION]...
The master of a dm cluster: accepts workers, runs a shell on a terminal.

  --listen HOST:PORT      where workers connect (127.0.0.1:7400; port 0: any free one)
  --control PATH|HOST:PORT  where operators connect; may repeat (STATE/control.sock)
  --control-group GROUP=ROLE  members of GROUP may use the Unix control sockets, as viewer,
                          operator or admin; may repeat (only the same user and root)
  --state DIR             what must not be forgotten (as root /var/lib/dm-master, else
                          $XDG_STATE_HOME/dm-master or ~/.local/state/dm-master)
  --secret-file F         the cluster's secret, made by 'dm keygen'; may repeat while
                          one replaces another; read again on SIGHUP (DM_SECRET_FILE)
  --insecure              no keys; only if every address is loopback or a Unix socket
  --heartbeat TIME        how often workers beat (1s)
  --move-after TIME       when a lost worker's instances move (10s)
  --history-max SIZE      how much is kept of what happened: 'history', 'events' (64M)
  --keep-ended N          how many ended instances of each app 'ps --all' still has, with
                          their logs; older ones are removed, but for their history (100)
  --dev[=N]               everything on this machine, to try it out: N (2) workers, free
                          ports, a directory of its own; nothing of it is left behind
  --no-shell              no shell; standard input is not read
  --port-file F           write the workers' port there
  --new-epoch             start although the journal is an old copy, and workers have
                          obeyed a later one
  --check DIR             say whether the journal and the history in DIR are whole, and end
  --repair DIR            keep a copy of a damaged journal, save what is whole, and end
  --version, --help
Without a terminal, standard input is a script of commands; the master ends behind it.
)";

enum Flag {
  kListen = 256,
  kControl,
  kControlGroup,
  kState,
  kSecret,
  kInsecure,
  kHeartbeat,
  kMoveAfter,
  kHistoryMax,
  kKeepEnded,
  kDev,
  kNoShell,
  kPortFile,
  kNewEpoch,
  kCheck,
  kRepair,
  kVersion,
  kHelpFlag
};

constexpr option kOptions[] = {
    {"listen", required_argument, nullptr, kListen},
    {"control", required_argument, nullptr, kControl},
    {"control-group", required_argument, nullptr, kControlGroup},
    {"state", required_argument, nullptr, kState},
    {"secret-file", required_argument, nullptr, kSecret},
    {"insecure", no_argument, nullptr, kInsecure},
    {"heartbeat", required_argument, nullptr, kHeartbeat},
    {"move-after", required_argument, nullptr, kMoveAfter},
    {"history-max", required_argument, nullptr, kHistoryMax},
    {"keep-ended", required_argument, nullptr, kKeepEnded},
    {"dev", optional_argument, nullptr, kDev},
    {"no-shell", no_argument, nullptr, kNoShell},
    {"port-file", required_argument, nullptr, kPortFile},
    {"new-epoch", no_argument, nullptr, kNewEpoch},
    {"check", required_argument, nullptr, kCheck},
    {"repair", required_argument, nullptr, kRepair},
    {"version", no_argument, nullptr, kVersion},
    {"help", no_argument, nullptr, kHelpFlag},
    {nullptr, 0, nullptr, 0},
};

Leave usage(const std::string& what) {
  return {100, "", "dm-master: " + what + "; 'dm-master --help' lists the options\n"};
}

std::optional<Leave> set_duration(const char* text, std::string_view flag, std::int64_t& into) {
  const auto duration = parse_duration_ms(text);
  if (!duration) return usage(std::string(flag) + ": " + duration.error().message);
  if (*duration < 10) return usage(std::string(flag) + ": at least 10ms");
  into = *duration;
  return std::nullopt;
}

std::optional<Leave> set_size(const char* text, std::string_view flag, std::int64_t& into) {
  const auto size = parse_bytes(text);
  if (!size) return usage(std::string(flag) + ": " + size.error().message);
  if (*size < kLeastHistory) return usage(std::string(flag) + ": at least 16K");
  into = *size;
  return std::nullopt;
}

std::optional<Leave> set_endpoint(const char* text, std::string_view flag, Endpoint& into) {
  const auto endpoint = parse_endpoint(text);
  if (!endpoint) return usage(std::string(flag) + ": " + endpoint.error().message);
  into = *endpoint;
  return std::nullopt;
}

std::optional<Leave> apply(int flag, const char* value, Options& options) {
  switch (flag) {
    case kListen: {
      auto left = set_endpoint(value, "--listen", options.listen);
      if (!left && options.listen.is_unix()) return usage("--listen wants HOST:PORT");
      return left;
    }
    case kControl: {
      Endpoint endpoint;
      auto left = set_endpoint(value, "--control", endpoint);
      options.control.push_back(endpoint);
      return left;
    }
    case kControlGroup: {
      const auto group = parse_group_role(value);
      if (!group) return usage("--control-group: " + group.error().message);
      options.control_groups.push_back(*group);
      return std::nullopt;
    }
    case kState:
      if (!*value) return usage("--state wants a directory");
      options.state = absolute_path(value);
      return std::nullopt;
    case kSecret: options.secret_files.emplace_back(value); return std::nullopt;
    case kInsecure: options.insecure = true; return std::nullopt;
    case kHeartbeat: return set_duration(value, "--heartbeat", options.heartbeat_ms);
    case kMoveAfter: return set_duration(value, "--move-after", options.move_after_ms);
    case kHistoryMax: return set_size(value, "--history-max", options.history_max_bytes);
    case kKeepEnded: {
      const auto count = parse_integer(value);
      if (!count || *count < 1 || *count > 1'000'000)
        return usage("--keep-ended wants 1 to 1000000");
      options.keep_ended = *count;
      return std::nullopt;
    }
    case kDev: {
      const auto count = value ? parse_integer(value) : std::optional<std::int64_t>(2);
      if (!count || *count < 1 || *count > 100) return usage("--dev=N wants 1 to 100");
      options.dev_workers = static_cast<int>(*count);
      return std::nullopt;
    }
    case kNoShell: options.shell = false; return std::nullopt;
    case kPortFile: options.port_file = value; return std::nullopt;
    case kNewEpoch: options.new_epoch = true; return std::nullopt;
    case kCheck: options.check = absolute_path(value); return std::nullopt;
    case kRepair: options.repair = absolute_path(value); return std::nullopt;
    case kVersion: return Leave{0, "dm-master " DM_VERSION "\n", ""};
    case kHelpFlag: return Leave{0, kHelp, ""};
    default: return usage("unknown option or missing value");
  }
}

// Without keys nothing may be reachable from outside.
std::optional<Leave> check_exposure(const Options& options) {
  if (!options.check.empty() || !options.repair.empty()) return std::nullopt;
  if (options.dev_workers > 0 || !options.secret_files.empty()) return std::nullopt;
  if (!options.insecure)
    return Leave{100, "",
                 "dm-master: no secret: refusing to start; give --secret-file F, or --insecure if "
                 "every address is loopback or a Unix socket\n"};
  std::vector<Endpoint> all = options.control;
  all.push_back(options.listen);
  for (const Endpoint& endpoint : all)
    if (!is_loopback(endpoint))
      return Leave{100, "",
                   "dm-master: --insecure with " + endpoint.print() +
                       ": refusing to start; without keys every address must be loopback or a "
                       "Unix socket\n"};
  return std::nullopt;
}

}  // namespace

std::optional<Leave> read_options(int argc, char** argv, Options& options) {
  options.listen.host = "127.0.0.1";
  options.listen.port = 7400;
  bool listens = false;
  ::opterr = 0;
  while (true) {
    const int flag = ::getopt_long(argc, argv, "", kOptions, nullptr);
    if (flag == -1) break;
    if (flag == '?') {
      const char* word = ::optind > 0 ? argv[::optind - 1] : "";
      return usage(std::string("unknown option or missing value: ") + word);
    }
    listens = listens || flag == kListen;
    if (auto left = apply(flag, ::optarg, options)) return left;
  }
  if (::optind < argc) return usage(std::string("did not expect '") + argv[::optind] + "'");
  const char* secret = std::getenv("DM_SECRET_FILE");
  if (secret && *secret && options.secret_files.empty() && !options.insecure)
    options.secret_files.emplace_back(secret);
  if (!options.check.empty() && !options.repair.empty())
    return usage("--check and --repair exclude each other");
  if (options.insecure && !options.secret_files.empty())
    return usage("--insecure and --secret-file exclude each other");
  if (options.dev_workers > 0 && !listens) options.listen.port = 0;
  if (options.state.empty() && options.dev_workers == 0)
    options.state = default_state_directory("dm-master");
  return check_exposure(options);
}

}  // namespace dm::master
