#include "worker/io/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include <iterator>

#include "common/codec.h"
#include "common/escape.h"
#include "common/io/files.h"
#include "common/io/state_directory.h"
#include "common/names.h"
#include "common/units.h"
#include "worker/io/host_facts.h"

namespace dm::worker {
namespace {

struct Raw {
  Options options;
  std::string master, secret_file;
  bool given_secret = false;  // by --secret-file, not by the environment
  bool insecure = false;
};

using Take = Status (*)(Raw&, const std::string& value);

struct Row {
  const char* name;
  const char* value;  // nullptr: the option takes none
  const char* help;   // nullptr: not for people
  Take take;
};

Status take_number(const std::string& text, int* number) {
  const auto parsed = parse_integer(text);
  if (!parsed || *parsed < 0 || *parsed > 0x7fffffff)
    return fail(Code::kBadArg, "expected a number, got '" + excerpt(text) + "'");
  *number = static_cast<int>(*parsed);
  return {};
}

template <Options::Mode kMode>
Status take_mode(Raw& raw, const std::string&) {
  const Options::Mode before = raw.options.mode;
  const bool tells = kMode == Options::Mode::kHelp || kMode == Options::Mode::kVersion;
  if (before != Options::Mode::kAgent && before != kMode && !tells)
    return fail(Code::kBadArg, "does not go with what stands before it");
  raw.options.mode = kMode;
  return {};
}

template <Options::Mode kMode>
Status take_directory(Raw& raw, const std::string& value) {
  raw.options.root = absolute_path(value);
  return take_mode<kMode>(raw, value);
}

Status take_name(Raw& raw, const std::string& value) {
  if (!is_worker_name(value))
    return fail(Code::kBadArg, "'" + excerpt(value) +
                                   "' is no worker name: a-z 0-9 . _ - are allowed, at most 63");
  raw.options.name = value;
  return {};
}

Status take_label(Raw& raw, const std::string& value) {
  if (!parse_label(value))
    return fail(Code::kBadArg, "'" + excerpt(value) + "' is no label: expected KEY=VALUE");
  raw.options.labels.push_back(value);
  return {};
}

Status take_user(Raw& raw, const std::string& value) {
  raw.options.user = value;
  raw.options.user_given = true;
  return {};
}

Status take_app_user(Raw& raw, const std::string& value) {
  raw.options.app_users.push_back(value);
  raw.options.user_given = true;
  return {};
}

Status take_disk_floor(Raw& raw, const std::string& value) {
  const auto percent =
      value.ends_with('%') ? parse_integer(value.substr(0, value.size() - 1)) : std::nullopt;
  if (!percent || *percent < 0 || *percent > 99)
    return fail(Code::kBadArg,
                "expected a share of the disk such as 5%, got '" + excerpt(value) + "'");
  raw.options.disk_floor_percent = static_cast<int>(*percent);
  return {};
}

template <std::string Raw::*kField>
Status take_text(Raw& raw, const std::string& value) {
  raw.*kField = value;
  return {};
}

template <int Options::*kField>
Status take_fd(Raw& raw, const std::string& value) {
  return take_number(value, &(raw.options.*kField));
}

constexpr const char* kRootHelp =
    "directory for everything that is kept\n"
    "                      (/var/lib/dm-worker as root, else $XDG_STATE_HOME/dm-worker\n"
    "                      or ~/.local/state/dm-worker)";

constexpr Row kRows[] = {
    {"master", "HOST:PORT", "the master to connect to (no default)", &take_text<&Raw::master>},
    {"name", "NAME", "the worker's name (the short host name, lower case)", &take_name},
    {"root", "DIR", kRootHelp,
     [](Raw& raw, const std::string& value) -> Status {
       if (value.empty()) return Status(fail(Code::kBadArg, "wants a directory"));
       raw.options.root = absolute_path(value);
       return {};
     }},
    {"secret-file", "F", "the worker's key, made by 'dm keygen --worker' (DM_SECRET_FILE)",
     [](Raw& raw, const std::string& value) -> Status {
       raw.given_secret = true;
       raw.secret_file = value;
       return {};
     }},
    {"insecure", nullptr, "do without keys, on loopback or a Unix socket only (off)",
     [](Raw& raw, const std::string&) -> Status {
       raw.insecure = true;
       return {};
     }},
    {"label", "K=V", "a label to choose workers by; may be repeated (none)", &take_label},
    {"user", "U", "as root: the user to run as (dm)", &take_user},
    {"app-user", "U",
     "as root: a user that apps run as; repeated, apps\n                      are spread over them "
     "(dm-app)",
     &take_app_user},
    {"disk-floor", "N%", "with less of the disk free, take no new work (5%)", &take_disk_floor},
    {"logs-total", "SIZE",
     "room for all logs; the oldest go first (a tenth of the disk, at most 10G)",
     [](Raw& raw, const std::string& value) -> Status {
       const auto bytes = parse_bytes(value);
       if (!bytes) return bytes.error();
       raw.options.logs_total = *bytes;
       return {};
     }},
    {"stop-apps", nullptr, "stop every app of --root, then end (off)",
     &take_mode<Options::Mode::kStopApps>},
    {"check", "DIR", "say whether the journal in DIR is whole, and end",
     &take_directory<Options::Mode::kCheck>},
    {"repair", "DIR", "keep a copy of a damaged journal, save what is whole, and end",
     &take_directory<Options::Mode::kRepair>},
    {"version", nullptr, "print the version", &take_mode<Options::Mode::kVersion>},
    {"help", nullptr, "print this", &take_mode<Options::Mode::kHelp>},
    {"supervise", nullptr, nullptr, &take_mode<Options::Mode::kSupervise>},
    {"tether-fd", "N", nullptr, &take_fd<&Options::tether_fd>},
    {"ready-fd", "N", nullptr, &take_fd<&Options::ready_fd>},
    {"state-fd", "N", nullptr, &take_fd<&Options::state_fd>},
    {"rehearse", nullptr, nullptr,
     [](Raw& raw, const std::string&) -> Status {
       raw.options.rehearse = true;
       return {};
     }},
    {"agent-uid", "N", nullptr,
     [](Raw& raw, const std::string& value) -> Status {
       int number = 0;
       auto taken = take_number(value, &number);
       raw.options.agent_uid = static_cast<uid_t>(number);
       return taken;
     }},
    {"join", nullptr, "belong to the master's cluster from now on, whatever it was before (off)",
     [](Raw& raw, const std::string&) -> Status {
       raw.options.join = true;
       return {};
     }},
    {"no-cgroup", nullptr, nullptr,
     [](Raw& raw, const std::string&) -> Status {
       raw.options.use_cgroups = false;
       return {};
     }},
};

// What an agent needs beside the single options.
Status complete(Raw& raw) {
  Options& options = raw.options;
  if (options.root.empty()) options.root = default_state_directory("dm-worker");
  if (options.mode != Options::Mode::kAgent) return {};
  if (raw.master.empty()) return fail(Code::kBadArg, "--master HOST:PORT is missing");
  auto master = parse_endpoint(raw.master);
  if (!master) return fail(Code::kBadArg, "--master: " + master.error().message);
  options.master = std::move(*master);
  if (raw.insecure && raw.given_secret)
    return fail(Code::kBadArg, "--insecure and --secret-file exclude each other");
  if (!raw.insecure && raw.secret_file.empty())
    return fail(Code::kBadArg,
                "no key: refusing to start; give --secret-file F, or --insecure for a master on "
                "loopback");
  if (!raw.insecure) options.key_file = raw.secret_file;
  if (raw.insecure && !is_loopback(options.master))
    return fail(Code::kBadArg, "--insecure is for loopback and Unix sockets only, not for " +
                                   options.master.print());
  if (options.name.empty() && !take_name(raw, short_host_name()))
    return fail(Code::kBadArg, "the host's name is no worker name, give one by --name");
  return {};
}

}  // namespace

Result<Options> parse_options(int argc, char** argv) {
  std::vector<option> table;
  for (const Row& row : kRows)
    table.push_back({row.name, row.value ? required_argument : no_argument, nullptr, 0});
  table.push_back({nullptr, 0, nullptr, 0});

  Raw raw;
  if (const char* file = ::getenv("DM_SECRET_FILE")) raw.secret_file = file;
  opterr = 0;
  while (true) {
    int index = -1;
    const int before = optind;
    const int result = ::getopt_long(argc, argv, ":", table.data(), &index);
    const std::string given = before < argc ? argv[before] : "";
    if (result == -1) break;
    if (result == ':') return fail(Code::kBadArg, given + " needs a value");
    if (result != 0) return fail(Code::kBadArg, "no such option: " + excerpt(given));
    const Row& row = kRows[index];
    if (auto taken = row.take(raw, optarg ? optarg : ""); !taken)
      return fail(taken.error().code, "--" + std::string(row.name) + ": " + taken.error().message);
  }
  if (optind < argc)
    return fail(Code::kBadArg,
                "what is '" + excerpt(argv[optind]) + "'? Only options are expected");
  if (auto completed = complete(raw); !completed) return completed.error();
  return std::move(raw.options);
}

std::string help_text() {
  std::string text =
      "usage: dm-worker --master HOST:PORT --secret-file F [OPTION]...\n"
      "       dm-worker [--root DIR] --stop-apps\n"
      "       dm-worker --check DIR | --repair DIR\n\n"
      "Runs the apps that the master places on this machine. They go on when it ends.\n\n";
  for (const Row& row : kRows) {
    if (row.help == nullptr) continue;
    std::string left = "  --" + std::string(row.name);
    if (row.value) left += " " + std::string(row.value);
    left.resize(std::max<std::size_t>(left.size() + 1, 22), ' ');
    text += left + row.help + "\n";
  }
  return text;
}

}  // namespace dm::worker
