// The rows of the commands.
#include "master/commands/command_table.h"

#include <algorithm>

namespace dm {
namespace {

using K = OperandKind;
using V = ValueCheck;

constexpr OptionSpec kJson{"--json", "", "one JSON object a line, for programs"};
constexpr OptionSpec kLib{"--lib",  "F",      "a library to take along that is not found by itself",
                          K::kFile, V::kNone, true};
constexpr OptionSpec kFile{
    "--file", "F",      "a file that each instance finds in its working directory",
    K::kFile, V::kNone, true};
constexpr OptionSpec kAs{"--as", "APP", "the app's name; without it the file's name gives one",
                         K::kApp, V::kAppName};

constexpr OptionSpec kJsonOnly[] = {kJson};
constexpr OptionSpec kCopyOptions[] = {
    kLib,
    kFile,
    kAs,
    {"--to", "WORKERS", "a name, a comma list, a range w[1-50], label=value or all", K::kWorkers},
};
constexpr OptionSpec kDeleteOptions[] = {
    {"--from", "WORKERS", "from these workers only; the master keeps it", K::kWorkers},
    {"--force", "", "stop its instances first"},
};
constexpr OptionSpec kLaunchOptions[] = {
    {"--on", "WORKER", "place it there; without it the least loaded worker is chosen", K::kWorker},
    {"--count", "N", "so many instances (1)", K::kAny, V::kPositive},
    {"--env", "K=V", "a variable of its environment", K::kAny, V::kEnvironment, true},
    {"--env-file", "F", "variables from a file where you are: NAME=VALUE, one a line", K::kFile,
     V::kNone, true},
    {"--restart", "", "when it is started again after its end (no)", K::kAny, V::kChoice, false,
     "no|on-failure|always"},
    {"--on-lost", "",
     "when its worker is lost: move is the default without --on and with a restart policy", K::kAny,
     V::kChoice, false, "move|stay"},
    {"--singleton", "",
     "it never runs twice: its worker kills it after its lease without the master, and only then "
     "is it launched elsewhere"},
    {"--lease", "15s", "the lease of a --singleton", K::kAny, V::kDuration},
    {"--log-max", "100M", "how much of its logs is kept", K::kAny, V::kLogSize},
    kLib,
    kFile,
    kAs,
};
constexpr OptionSpec kPsOptions[] = {{"--all", "", "the dead ones too, with the reason"}, kJson};
constexpr OptionSpec kStopOptions[] = {
    {"--timeout", "10s", "when SIGKILL follows", K::kAny, V::kDuration},
    {"--no-kill", "", "let it go on after the timeout; the answer says so"},
};
constexpr OptionSpec kUsageOptions[] = {
    kJson,
    {"--since", "T", "the samples of that time, one every 10 s", K::kAny, V::kTime},
};
constexpr OptionSpec kLogsOptions[] = {
    {"-f", "", "follow: print what is added, and go on into the next run; --run N follows one"},
    {"-n", "LINES", "the last lines; of an app, of each instance", K::kAny, V::kCount},
    {"--since", "5m", "the lines of that time", K::kAny, V::kTime},
    {"-t", "", "the time before each line"},
    {"-p", "", "the run before the last one"},
    {"--run", "N", "this run", K::kAny, V::kPositive},
    {"-o", "FILE", "save it to a file where you are, which is replaced once all is there",
     K::kFile},
};
constexpr OptionSpec kEventsOptions[] = {
    {"-f", "", "wait for more"},
    {"-n", "N", "the last N (20)", K::kAny, V::kCount},
    kJson,
};
constexpr OptionSpec kHistoryOptions[] = {
    {"--since", "T", "those that ended in that time", K::kAny, V::kTime},
    {"-n", "N", "the last N", K::kAny, V::kCount},
    kJson,
};

constexpr CommandSpec kCommands[] = {
    {.id = CommandId::kWorkers,
     .name = "workers",
     .options = kJsonOnly,
     .summary = "list every known worker with its state and load",
     .details =
         "STATE is up, suspect (its connection closed a moment ago), lost (two beats missed) or "
         "left (it said goodbye). LOAD is 2*cpu*ram/(cpu+ram) in percent; the least loaded worker "
         "gets the next instance."},
    {.id = CommandId::kWorkersForget,
     .name = "workers forget",
     .operands = {1, 1, K::kWorker, "WORKER"},
     .role = Role::kAdmin,
     .reach = Reach::kExpels,
     .summary = "remove a worker that will not come back",
     .details =
         "Its name becomes free for another machine. What is movable moves at once; of what else "
         "ran there, 'history' says that its exit status is unknown. Refused while the worker is "
         "connected and not lost.",
     .example = "workers forget w3"},
    {.id = CommandId::kWorkersRename,
     .name = "workers rename",
     .operands = {2, 2, K::kWorker, "OLD NEW"},
     .role = Role::kAdmin,
     .reach = Reach::kExpels,
     .summary = "give a worker another name",
     .details =
         "Its instances and its history follow. A worker that proves its identity is renamed by "
         "itself when it comes under another name; this is for one that has never done so. Refused "
         "while the worker is connected.",
     .example = "workers rename w3 rack1-3"},
    {.id = CommandId::kWorkersRevoke,
     .name = "workers revoke",
     .operands = {1, 1, K::kWorker, "NAME"},
     .role = Role::kAdmin,
     .reach = Reach::kExpels,
     .summary = "make every key of that name worthless",
     .details = "The name stays; 'dm keygen' makes the key of the next generation.",
     .example = "workers revoke w3"},
    {.id = CommandId::kCopy,
     .name = "copy",
     .operands = {1, 1, K::kFile, "FILE"},
     .options = kCopyOptions,
     .role = Role::kOperator,
     .reach = Reach::kChanges,
     .summary = "copy an executable and its libraries to workers",
     .details =
         "Libraries that the executable needs and that lie beside it or in its RUNPATH are taken "
         "along. Only what a worker lacks travels. Without --to every available worker gets it.",
     .example = "copy ./web --lib ./libssl.so.3 --to rack=r1"},
    {.id = CommandId::kLaunch,
     .name = "launch",
     .operands = {1, 1, K::kAppOrFile, "APP|FILE"},
     .options = kLaunchOptions,
     .rest = true,
     .role = Role::kOperator,
     .reach = Reach::kChanges,
     .summary = "start instances; prints APP.N WORKER PID for each",
     .details =
         "A word with a '/' is a file, which is copied first. The answer comes when exec has "
         "succeeded, or says why it has not. What stands behind -- are the app's arguments.",
     .example = "launch ./web --count 3 --restart always -- --port 8080"},
    {.id = CommandId::kPs,
     .name = "ps",
     .operands = {0, 1, K::kNameAny, "[TARGET|WORKER]"},
     .options = kPsOptions,
     .summary = "list instances; with --all the dead ones too, with the reason"},
    {.id = CommandId::kStop,
     .name = "stop",
     .operands = {1, kAnyNumber, K::kTarget, "TARGET..."},
     .options = kStopOptions,
     .role = Role::kOperator,
     .reach = Reach::kEnds,
     .summary = "send SIGINT and wait; SIGKILL after the timeout",
     .details = "TARGET is an app, an instance or all. A stopped instance stays stopped: no "
                "restart policy starts it again.",
     .example = "stop web.2 --timeout 30s"},
    {.id = CommandId::kKill,
     .name = "kill",
     .operands = {1, kAnyNumber, K::kTarget, "TARGET..."},
     .role = Role::kOperator,
     .reach = Reach::kEnds,
     .summary = "send SIGKILL to every process of the instance",
     .example = "kill web.2"},
    {.id = CommandId::kStart,
     .name = "start",
     .operands = {1, kAnyNumber, K::kAppOrInstance, "INSTANCE|APP..."},
     .role = Role::kOperator,
     .reach = Reach::kChanges,
     .summary = "start a stopped or dead instance again",
     .details =
         "It keeps its name, its worker and its directory. Of an app those start that 'stop' "
         "has stopped.",
     .example = "start web.2"},
    {.id = CommandId::kUsage,
     .name = "usage",
     .operands = {0, 1, K::kNameAny, "[TARGET|WORKER]"},
     .options = kUsageOptions,
     .summary = "CPU time and memory per instance and per worker",
     .example = "usage web --since 1h"},
    {.id = CommandId::kLogs,
     .name = "logs",
     .operands = {1, 1, K::kAppOrInstance, "APP|INSTANCE"},
     .options = kLogsOptions,
     .summary = "print the log of an instance, exactly as it was written; or those of an app",
     .details =
         "What the log's budget (launch --log-max) has cut is told on standard error. Of an "
         "instance whose worker is gone, the last 64 KiB of the run that ended last. The logs of "
         "an app's instances come as one, in order of time to about a second, each line behind "
         "its instance. Those whose worker is gone stand first, as far as they are kept. What is "
         "missing is told on standard error, and the exit status is 1.",
     .example = "logs web.2 -f -n 100"},
    {.id = CommandId::kDelete,
     .name = "delete",
     .operands = {1, 1, K::kApp, "APP"},
     .options = kDeleteOptions,
     .role = Role::kOperator,
     .reach = Reach::kChanges,
     .summary = "remove an app from workers and from the master",
     .details = "Refused while an instance runs, unless --force stops it first. A lost worker "
                "deletes when it returns.",
     .example = "delete web --force"},
    {.id = CommandId::kRm,
     .name = "rm",
     .operands = {1, kAnyNumber, K::kInstance, "INSTANCE..."},
     .role = Role::kOperator,
     .reach = Reach::kChanges,
     .summary = "remove dead instances, with their logs and working directories",
     .details = "Their runs stay in 'history'. Refused while one runs: 'stop' it first.",
     .example = "rm web.3"},
    {.id = CommandId::kFailover,
     .name = "failover",
     .summary = "say whether instances of lost workers are moved"},
    {.id = CommandId::kFailoverResume,
     .name = "failover resume",
     .role = Role::kOperator,
     .reach = Reach::kChanges,
     .summary = "move them although most workers vanished at once"},
    {.id = CommandId::kEvents,
     .name = "events",
     .options = kEventsOptions,
     .summary = "what happened, who asked, when",
     .example = "events -f"},
    {.id = CommandId::kHistory,
     .name = "history",
     .operands = {0, 1, K::kTarget, "[APP|INSTANCE]"},
     .options = kHistoryOptions,
     .summary = "every run that has ended: start, end, exit, CPU, memory, why",
     .details =
         "Oldest first, those of deleted apps too. How much is kept is said by dm-master "
         "--history-max; what was cut is told on standard error. CPU is user and system time in "
         "seconds.",
     .example = "history web --since 1d"},
    {.id = CommandId::kDescribe,
     .name = "describe",
     .operands = {1, 1, K::kNameAny, "NAME"},
     .options = kJsonOnly,
     .summary = "everything known about an app, an instance or a worker",
     .details = "Where a name could be two things: app/NAME, worker/NAME.",
     .example = "describe web.2"},
    {.id = CommandId::kNames,
     .name = "names",
     .summary = "what TAB completes: worker NAME, app NAME, instance NAME, one a line",
     .hidden = true},
    {.id = CommandId::kHelp,
     .name = "help",
     .operands = {0, 2, K::kCommand, "[COMMAND]"},
     .summary = "list the commands, or explain one",
     .example = "help launch"},
    {.id = CommandId::kVersion, .name = "version", .summary = "print the version"},
    {.id = CommandId::kQuit,
     .name = "quit",
     .summary = "leave the shell; in dm-master's own shell also end the master (apps go on)"},
};
static_assert(has_row_for_each_command(kCommands));

}  // namespace

std::span<const CommandSpec, kCommandCount> command_table() {
  return kCommands;
}

std::string role_word(Role role) {
  return role == Role::kViewer ? "viewer" : role == Role::kOperator ? "operator" : "admin";
}

int name_words(const CommandSpec& command) {
  return 1 + static_cast<int>(std::count(command.name.begin(), command.name.end(), ' '));
}

const CommandSpec* find_command(std::span<const std::string_view> words) {
  const CommandSpec* best = nullptr;
  for (const CommandSpec& command : kCommands) {
    const auto count = static_cast<std::size_t>(name_words(command));
    if (words.size() < count) continue;
    std::string name(words[0]);
    for (std::size_t i = 1; i < count; ++i) name.append(" ").append(words[i]);
    if (name == command.name && (best == nullptr || name_words(*best) < static_cast<int>(count)))
      best = &command;
  }
  return best;
}

std::vector<std::string_view> command_names() {
  std::vector<std::string_view> names;
  for (const CommandSpec& command : kCommands)
    if (!command.hidden) names.push_back(command.name);
  return names;
}

std::string usage_text(const CommandSpec& command) {
  std::string text = "usage: " + std::string(command.name);
  if (!command.operands.usage.empty()) text.append(" ").append(command.operands.usage);
  for (const OptionSpec& option : command.options)
    text += " [" + left_side(option) + (option.repeats ? "]..." : "]");
  return text + (command.rest ? " [-- ARG...]" : "");
}

std::string left_side(const OptionSpec& option) {
  const std::string_view value = option.choices.empty() ? option.value_name : option.choices;
  return std::string(option.name) + (value.empty() ? "" : " ") + std::string(value);
}

}  // namespace dm
