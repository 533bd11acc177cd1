#include "master/commands/command_table.h"

#include <algorithm>
#include <string>

namespace dm {
namespace {

using K = OperandKind;
using V = ValueCheck;

constexpr OptionSpec kJson{"--json"};

constexpr K kNothing[] = {K::kNone};
constexpr K kOneApp[] = {K::kApp};
constexpr K kAppOrFile[] = {K::kAppOrFile};
constexpr K kOneInstance[] = {K::kInstance};
constexpr K kAppOrInstance[] = {K::kAppOrInstance};
constexpr K kTargets[] = {K::kTarget};
constexpr K kOneWorker[] = {K::kWorker};
constexpr K kOneFile[] = {K::kFile};
constexpr K kCommandName[] = {K::kCommand};
constexpr K kAnyName[] = {K::kNameAny};

constexpr OptionSpec kJsonOnly[] = {kJson};
constexpr OptionSpec kCopyOptions[] = {
    {"--lib", K::kFile, V::kNone, true},
    {"--file", K::kFile, V::kNone, true},
    {"--as", K::kApp, V::kAppName},
    {"--to", K::kWorkers},
};
constexpr OptionSpec kDeleteOptions[] = {{"--from", K::kWorkers}, {"--force"}};
constexpr OptionSpec kLaunchOptions[] = {
    {"--on", K::kWorker},
    {"--count", K::kAny, V::kPositive},
    {"--env", K::kAny, V::kEnvironment, true},
    {"--restart", K::kAny, V::kChoice, false, "no|on-failure|always"},
    {"--log-max", K::kAny, V::kLogSize},
    {"--on-lost", K::kAny, V::kChoice, false, "move|stay"},
    {"--singleton"},
    {"--lease", K::kAny, V::kDuration},
    {"--lib", K::kFile, V::kNone, true},
    {"--file", K::kFile, V::kNone, true},
    {"--as", K::kApp, V::kAppName},
};
constexpr OptionSpec kPsOptions[] = {{"--all"}, kJson};
constexpr OptionSpec kStopOptions[] = {{"--timeout", K::kAny, V::kDuration}, {"--no-kill"}};
constexpr OptionSpec kUsageOptions[] = {kJson, {"--since", K::kAny, V::kTime}};
constexpr OptionSpec kLogsOptions[] = {
    {"-f"},           {"-n", K::kAny, V::kCount},     {"-p"}, {"--run", K::kAny, V::kPositive},
    {"-o", K::kFile}, {"--since", K::kAny, V::kTime}, {"-t"},
};
constexpr OptionSpec kEventsOptions[] = {{"-f"}, {"-n", K::kAny, V::kCount}, kJson};
constexpr OptionSpec kHistoryOptions[] = {
    {"--since", K::kAny, V::kTime}, {"-n", K::kAny, V::kCount}, kJson};
constexpr std::span<const OptionSpec> kNoOptions;

constexpr CommandSpec kCommands[] = {
    {CommandId::kWorkers, "workers", 0, 0, kNothing, kJsonOnly, false, Role::kViewer, Reach::kLooks,
     "[--json]", "list every known worker with its state and load",
     "STATE is up, suspect (its connection closed a moment ago), lost (two beats missed) or left "
     "(it said goodbye). LOAD is 2*cpu*ram/(cpu+ram) in percent; the least loaded worker gets the "
     "next instance."},
    {CommandId::kWorkersForget, "workers forget", 1, 1, kOneWorker, kNoOptions, false, Role::kAdmin,
     Reach::kExpels, "WORKER", "forget a worker that will not come back",
     "Its name becomes free for another machine. What is movable moves at once; of what else ran "
     "there, 'history' says that its exit status is unknown. Refused while the worker is connected "
     "and not lost."},
    {CommandId::kWorkersRevoke, "workers revoke", 1, 1, kOneWorker, kNoOptions, false, Role::kAdmin,
     Reach::kExpels, "NAME", "make every key of that name worthless",
     "The name stays; 'dm keygen' makes the key of the next generation."},
    {CommandId::kCopy, "copy", 1, 1, kOneFile, kCopyOptions, false, Role::kOperator,
     Reach::kChanges, "FILE [--lib F]... [--file F]... [--as APP] [--to WORKERS]",
     "copy an executable and its libraries to workers",
     "Libraries that the executable needs and that lie beside it or in its RUNPATH are taken "
     "along. "
     "Only what a worker lacks travels. WORKERS is a name, a comma list, a range w[1-50], "
     "label=value or all; without --to every available worker gets it."},
    {CommandId::kLaunch, "launch", 1, 1, kAppOrFile, kLaunchOptions, true, Role::kOperator,
     Reach::kChanges,
     "APP|FILE [--on WORKER] [--count N] [--env K=V]... [--restart no|on-failure|always] "
     "[--on-lost move|stay] [--singleton [--lease 15s]] [--log-max 100M] [-- ARG...]",
     "start instances; prints APP.N WORKER PID for each",
     "A word with a '/' is a file, which is copied first. Without --on each instance goes to the "
     "least loaded worker. The answer comes when exec has succeeded, or says why it has not. When "
     "its worker is lost, an instance moves to another one (--on-lost move, the default without "
     "--on and with a restart policy) or stays. A --singleton never runs twice: its worker kills "
     "it "
     "when it has heard nothing from the master for the time of its lease, and only then is it "
     "launched elsewhere."},
    {CommandId::kPs, "ps", 0, 1, kAnyName, kPsOptions, false, Role::kViewer, Reach::kLooks,
     "[TARGET|WORKER] [--all] [--json]",
     "list instances; with --all the dead ones too, with the reason", ""},
    {CommandId::kStop, "stop", 1, kAnyNumber, kTargets, kStopOptions, false, Role::kOperator,
     Reach::kChanges, "TARGET... [--timeout 10s] [--no-kill]",
     "send SIGINT and wait; SIGKILL after the timeout",
     "A stopped instance stays stopped: no restart policy starts it again. With --no-kill it may "
     "go on after the timeout, and the answer says so."},
    {CommandId::kKill, "kill", 1, kAnyNumber, kTargets, kNoOptions, false, Role::kOperator,
     Reach::kChanges, "TARGET...", "send SIGKILL to every process of the instance", ""},
    {CommandId::kStart, "start", 1, kAnyNumber, kOneInstance, kNoOptions, false, Role::kOperator,
     Reach::kChanges, "INSTANCE...", "start a stopped or dead instance again",
     "It keeps its name, its worker and its directory."},
    {CommandId::kUsage, "usage", 0, 1, kAnyName, kUsageOptions, false, Role::kViewer, Reach::kLooks,
     "[TARGET|WORKER] [--json] [--since T]", "CPU time and memory per instance and per worker",
     "With --since the samples of that time, one every 10 s."},
    {CommandId::kLogs, "logs", 1, 1, kAppOrInstance, kLogsOptions, false, Role::kViewer,
     Reach::kLooks, "APP|INSTANCE [-f] [-n LINES] [--since 5m] [-t] [-p] [--run N] [-o FILE]",
     "print the log of an instance, exactly as it was written; or those of an app",
     "-f follows, -n prints the last lines, --since those of that time, -t the time before each "
     "line, -p the previous run, --run a given one, -o saves to a file. What the log's budget "
     "(launch --log-max) has cut is told on standard error. Of an instance whose worker is gone, "
     "the last 64 KiB of the run that ended last. The logs of an app's instances come "
     "as one, in order of time to about a second, each line behind its instance; -n counts for "
     "each. Those whose worker is gone stand first, as far as they are kept. What is missing is "
     "told on standard error, and the exit status is 1."},
    {CommandId::kDelete, "delete", 1, 1, kOneApp, kDeleteOptions, false, Role::kOperator,
     Reach::kChanges, "APP [--from WORKERS] [--force]",
     "remove an app from workers and from the master",
     "Refused while an instance runs, unless --force stops it first. A lost worker deletes when "
     "it returns."},
    {CommandId::kFailover, "failover", 0, 0, kNothing, kNoOptions, false, Role::kViewer,
     Reach::kLooks, "", "say whether instances of lost workers are moved", ""},
    {CommandId::kFailoverResume, "failover resume", 0, 0, kNothing, kNoOptions, false,
     Role::kOperator, Reach::kChanges, "", "move them although most workers vanished at once", ""},
    {CommandId::kEvents, "events", 0, 0, kNothing, kEventsOptions, false, Role::kViewer,
     Reach::kLooks, "[-f] [-n N] [--json]", "what happened, who asked, when",
     "-f waits for more; -n prints the last N (20)."},
    {CommandId::kHistory, "history", 0, 1, kTargets, kHistoryOptions, false, Role::kViewer,
     Reach::kLooks, "[APP|INSTANCE] [--since T] [-n N] [--json]",
     "every run that has ended: start, end, exit, CPU, memory, why",
     "Oldest first, those of deleted apps too. --since those that ended in that time, -n the last "
     "N. How much is kept is said by dm-master --history-max; what was cut is told on standard "
     "error. CPU is user and system time in seconds."},
    {CommandId::kDescribe, "describe", 1, 1, kAnyName, kJsonOnly, false, Role::kViewer,
     Reach::kLooks, "NAME [--json]", "everything known about an app, an instance or a worker", ""},
    {CommandId::kNames, "names", 0, 0, kNothing, kNoOptions, false, Role::kViewer, Reach::kLooks,
     "", "what TAB completes: worker NAME, app NAME, instance NAME, one a line", "", true},
    {CommandId::kHelp, "help", 0, 2, kCommandName, kNoOptions, false, Role::kViewer, Reach::kLooks,
     "[COMMAND]", "list the commands, or explain one", ""},
    {CommandId::kVersion, "version", 0, 0, kNothing, kNoOptions, false, Role::kViewer,
     Reach::kLooks, "", "print the version", ""},
    {CommandId::kQuit, "quit", 0, 0, kNothing, kNoOptions, false, Role::kViewer, Reach::kLooks, "",
     "leave the shell; in dm-master's own shell also end the master (apps go on)", ""},
};
static_assert(has_row_for_each_command(kCommands));

}  // namespace

std::span<const CommandSpec, kCommandCount> command_table() {
  return kCommands;
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

}  // namespace dm
