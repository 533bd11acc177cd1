#include "worker/io/options.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>

#include "common/codec.h"
#include "common/escape.h"
#include "common/flags.h"
#include "common/io/files.h"
#include "common/io/state_directory.h"
#include "common/names.h"
#include "worker/io/host_facts.h"

namespace dm::worker {
namespace {

struct Raw {
  Options options;
  std::string master, secret_file;
  bool given_secret = false;  // by --secret-file, not by the environment
  bool insecure = false;
};

template <Options::Mode kMode>
Status take_mode(Raw& raw, const std::string&) {
  const Options::Mode before = raw.options.mode;
  if (before != Options::Mode::kAgent && before != kMode)
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

Status take_root(Raw& raw, const std::string& value) {
  if (value.empty()) return fail(Code::kBadArg, "expected a directory, got an empty value");
  raw.options.root = absolute_path(value);
  return {};
}

Status take_secret_file(Raw& raw, const std::string& value) {
  raw.given_secret = true;
  return take_text<&Raw::secret_file>(raw, value);
}

Status take_logs_total(Raw& raw, const std::string& value) {
  const auto bytes = bytes_from(value, 0);
  if (!bytes) return bytes.error();
  raw.options.logs_total = *bytes;
  return {};
}

Status take_agent_uid(Raw& raw, const std::string& value) {
  return take_number<&Options::agent_uid, 0, 0xfffffffe>(raw.options, value);
}

template <int Options::*kField>
Status take_fd(Raw& raw, const std::string& value) {
  return take_number<kField, 0, 0x7fffffff>(raw.options, value);
}

template <bool Options::*kField, bool kValue>
Status switch_option(Raw& raw, const std::string&) {
  raw.options.*kField = kValue;
  return {};
}

using Mode = Options::Mode;
constexpr Takes kValue = Takes::kValue, kNothing = Takes::kNothing;

// Rows without a help text are for the program's own processes.
constexpr Flag<Raw> kFlags[] = {
    {{"master", kValue, "HOST:PORT", "no default", "the master to connect to"},
     &take_text<&Raw::master>},
    {{"name", kValue, "NAME", "the short host name, lower case", "the worker's name"}, &take_name},
    {{"root", kValue, "DIR",
      "/var/lib/dm-worker as root, else $XDG_STATE_HOME/dm-worker or ~/.local/state/dm-worker",
      "directory for everything that is kept"},
     &take_root},
    {{"secret-file", kValue, "F", "DM_SECRET_FILE",
      "the worker's key, made by 'dm keygen --worker'"},
     &take_secret_file},
    {{"insecure", kNothing, "", "off", "do without keys, on loopback or a Unix socket only"},
     &take_switch<&Raw::insecure, true>},
    {{"label", kValue, "K=V", "none", "a label to choose workers by; may be repeated"},
     &take_label},
    {{"user", kValue, "U", "dm", "as root: the user to run as"}, &take_user},
    {{"app-user", kValue, "U", "dm-app",
      "as root: a user that apps run as; repeated, apps are spread over them"},
     &take_app_user},
    {{"disk-floor", kValue, "N%", "5%", "with less of the disk free, take no new work"},
     &take_disk_floor},
    {{"logs-total", kValue, "SIZE", "a tenth of the disk, at most 10G",
      "room for all logs; the oldest go first"},
     &take_logs_total},
    {{"stop-apps", kNothing, "", "off", "stop every app of --root, then end"},
     &take_mode<Mode::kStopApps>},
    {{"check", kValue, "DIR", "", "say whether the journal in DIR is whole, and end"},
     &take_directory<Mode::kCheck>},
    {{"repair", kValue, "DIR", "", "keep a copy of a damaged journal, save what is whole, and end"},
     &take_directory<Mode::kRepair>},
    {{"new-identity", kNothing, "", "off",
      "make --root, a copy of another worker's, a worker of its own, and end"},
     &take_mode<Mode::kNewIdentity>},
    {{"join", kNothing, "", "off",
      "belong to the master's cluster from now on, whatever it was before"},
     &switch_option<&Options::join, true>},
    {{"supervise", kNothing, "", "", ""}, &take_mode<Mode::kSupervise>},
    {{"tether-fd", kValue, "N", "", ""}, &take_fd<&Options::tether_fd>},
    {{"ready-fd", kValue, "N", "", ""}, &take_fd<&Options::ready_fd>},
    {{"state-fd", kValue, "N", "", ""}, &take_fd<&Options::state_fd>},
    {{"rehearse", kNothing, "", "", ""}, &switch_option<&Options::rehearse, true>},
    {{"agent-uid", kValue, "N", "", ""}, &take_agent_uid},
    {{"no-cgroup", kNothing, "", "", ""}, &switch_option<&Options::use_cgroups, false>},
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
  Raw raw;
  if (const char* file = ::getenv("DM_SECRET_FILE")) raw.secret_file = file;
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  const auto read = read_flags(kFlags, words, Operands::kNone, raw);
  if (!read) return read.error();
  if (read->wish == FlagsRead::Wish::kHelp) raw.options.mode = Mode::kHelp;
  if (read->wish == FlagsRead::Wish::kVersion) raw.options.mode = Mode::kVersion;
  if (auto completed = complete(raw); !completed) return completed.error();
  return std::move(raw.options);
}

std::string help_text() {
  return "usage: dm-worker --master HOST:PORT --secret-file F [OPTION]...\n"
         "       dm-worker [--root DIR] --stop-apps\n"
         "       dm-worker [--root DIR] --new-identity\n"
         "       dm-worker --check DIR | --repair DIR\n\n"
         "Runs the apps that the master places on this machine. They go on when it ends.\n\n" +
         flags_help(texts_of(kFlags));
}

}  // namespace dm::worker
