#include "master/io/options.h"

#include <algorithm>
#include <cstdlib>

#include "common/codec.h"
#include "common/escape.h"
#include "common/flags.h"
#include "common/io/files.h"
#include "common/io/state_directory.h"

namespace dm::master {
namespace {

constexpr std::int64_t kLeastHistory = 16 * 1024;
constexpr std::int64_t kLeastTimeMs = 10;

Status take_listen(Options& options, const std::string& value) {
  const auto endpoint = parse_endpoint(value);
  if (!endpoint) return endpoint.error();
  if (endpoint->is_unix())
    return fail(Code::kBadArg,
                "workers connect by TCP: expected HOST:PORT, got '" + excerpt(value) + "'");
  options.listen = *endpoint;
  options.listens = true;
  return {};
}

Status take_control(Options& options, const std::string& value) {
  const auto endpoint = parse_endpoint(value);
  if (!endpoint) return endpoint.error();
  options.control.push_back(*endpoint);
  return {};
}

Status take_control_group(Options& options, const std::string& value) {
  const auto group = parse_group_role(value);
  if (!group) return group.error();
  options.control_groups.push_back(*group);
  return {};
}

template <std::string Options::*kField>
Status take_directory(Options& options, const std::string& value) {
  if (value.empty()) return fail(Code::kBadArg, "expected a directory, got an empty value");
  options.*kField = absolute_path(value);
  return {};
}

Status take_move_left(Options& options, const std::string& value) {
  if (value != "never") return take_duration<&Options::move_left_ms, kLeastTimeMs>(options, value);
  options.move_left_ms = INT64_MAX;
  return {};
}

Status take_dev(Options& options, const std::string& value) {
  return take_number<&Options::dev_workers, 1, 100>(options, value.empty() ? "2" : value);
}

Status take_disk_floor(Options& options, const std::string& value) {
  const std::string number = value.substr(0, value.find('%'));
  const auto percent = parse_integer(number);
  if (!percent || *percent < 0 || *percent > 99 || value != number + "%")
    return fail(Code::kBadArg, "expected 0% to 99%, got '" + excerpt(value) + "'");
  options.disk_floor_percent = static_cast<int>(*percent);
  return {};
}

using O = Options;
constexpr Takes kValue = Takes::kValue, kNothing = Takes::kNothing;

constexpr Flag<Options> kFlags[] = {
    {{"listen", kValue, "HOST:PORT", "127.0.0.1:7400",
      "where workers connect; port 0: any free one"},
     &take_listen},
    {{"control", kValue, "PATH|HOST:PORT", "STATE/control.sock",
      "where operators connect; may repeat; the Unix socket stays unless another path is given"},
     &take_control},
    {{"control-group", kValue, "GROUP=ROLE", "only the same user and root",
      "members of GROUP may use the Unix control sockets, as viewer, operator or admin; may "
      "repeat"},
     &take_control_group},
    {{"state", kValue, "DIR",
      "as root /var/lib/dm-master, else $XDG_STATE_HOME/dm-master or ~/.local/state/dm-master",
      "the directory of everything that is kept"},
     &take_directory<&O::state>},
    {{"secret-file", kValue, "F", "DM_SECRET_FILE",
      "the cluster's secret, made by 'dm keygen'; may repeat while one replaces another; read "
      "again on SIGHUP"},
     &add_text<&O::secret_files>},
    {{"insecure", kNothing, "", "off",
      "no keys; only if every address is loopback or a Unix socket"},
     &take_switch<&O::insecure, true>},
    {{"heartbeat", kValue, "TIME", "1s", "how often workers beat"},
     &take_duration<&O::heartbeat_ms, kLeastTimeMs>},
    {{"move-after", kValue, "TIME", "10s", "when a lost worker's instances move"},
     &take_duration<&O::move_after_ms, kLeastTimeMs>},
    {{"move-left", kValue, "TIME|never", "10m",
      "when the instances of a worker move that was stopped and whose machine stays up: they go on "
      "there meanwhile"},
     &take_move_left},
    {{"history-max", kValue, "SIZE", "64M",
      "how much of the audit trail is kept for 'history' and 'events'"},
     &take_bytes<&O::history_max_bytes, kLeastHistory>},
    {{"keep-ended", kValue, "N", "100",
      "how many ended instances of each app 'ps --all' still has, with their logs; older ones are "
      "removed, but for their history"},
     &take_number<&O::keep_ended, 1, 1'000'000>},
    {{"disk-floor", kValue, "N%", "5%",
      "with less of the disk free, take no files: what is left is the journal's"},
     &take_disk_floor},
    {{"dev", Takes::kPerhapsAValue, "N", "2",
      "everything on this machine, to try it out: N workers, free ports, a directory of its own; "
      "nothing of it is left behind"},
     &take_dev},
    {{"no-shell", kNothing, "", "off", "no shell; standard input is not read"},
     &take_switch<&O::shell, false>},
    {{"port-file", kValue, "F", "none", "write the workers' port there"},
     &take_text<&O::port_file>},
    {{"new-epoch", kNothing, "", "off",
      "start although the journal is an old copy, and workers have obeyed a later one"},
     &take_switch<&O::new_epoch, true>},
    {{"check", kValue, "DIR", "",
      "say whether the journal and the history in DIR are whole, and end"},
     &take_directory<&O::check>},
    {{"repair", kValue, "DIR", "", "keep a copy of a damaged journal, save what is whole, and end"},
     &take_directory<&O::repair>},
};

std::string help_text() {
  return "usage: dm-master [OPTION]...\n"
         "The master of a dm cluster: accepts workers, runs a shell on a terminal.\n\n" +
         flags_help(texts_of(kFlags)) +
         "Without a terminal, standard input is a script of commands; the master ends behind it.\n";
}

Leave usage(const std::string& what) {
  return {100, "", "dm-master: " + what + "; 'dm-master --help' lists the options\n"};
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
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  const auto read = read_flags(kFlags, words, Operands::kNone, options);
  if (!read) return usage(read.error().message);
  if (read->wish == FlagsRead::Wish::kHelp) return Leave{0, help_text(), ""};
  if (read->wish == FlagsRead::Wish::kVersion) return Leave{0, "dm-master " DM_VERSION "\n", ""};
  const char* secret = std::getenv("DM_SECRET_FILE");
  if (secret && *secret && options.secret_files.empty() && !options.insecure)
    options.secret_files.emplace_back(secret);
  if (!options.check.empty() && !options.repair.empty())
    return usage("--check and --repair exclude each other");
  if (options.insecure && !options.secret_files.empty())
    return usage("--insecure and --secret-file exclude each other");
  if (options.dev_workers > 0 && !options.state.empty())
    return usage(
        "--dev has a directory of its own that ends with it, so --state does not go with it; for a "
        "master that keeps its state, start dm-master and dm-worker");
  if (options.dev_workers > 0 && !options.listens) options.listen.port = 0;
  if (options.state.empty() && options.dev_workers == 0)
    options.state = default_state_directory("dm-master");
  return check_exposure(options);
}

}  // namespace dm::master
