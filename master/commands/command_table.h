// master/commands/command_table.h - the registry of commands: one row a command with its arity,
// options, help, completion, role, reach and the key of its handler. Pure data.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "master/commands/operand_kind.h"

namespace dm {

// What the value of an option must look like; it is checked before any handler is called.
enum class ValueCheck {
  kNone,
  kDuration,
  kLogSize,
  kCount,
  kPositive,
  kTime,  // a duration, so long ago, or a moment as RFC 3339 writes it in UTC
  kEnvironment,
  kAppName,
  kChoice
};

struct OptionSpec {
  std::string_view name;        // "--on" or "-n"
  std::string_view value_name;  // in usage and help; empty: a flag, or the choices
  std::string_view help;
  OperandKind value = OperandKind::kNone;
  ValueCheck check = ValueCheck::kNone;
  bool repeats = false;
  std::string_view choices = {};  // words separated by '|', with kChoice
};

enum class Role { kViewer, kOperator, kAdmin };
std::string role_word(Role role);

// What a command does to the cluster. The audit trail names each command that does not only look.
enum class Reach {
  kLooks,
  kChanges,  // refused under a fence
  kEnds,     // allowed under a fence: it ends what runs
  kExpels,   // allowed under a fence: it can expel the worker whose claim has raised the fence
};

// The key of a command's handler; the rows of the table stand in this order.
enum class CommandId : unsigned char {
  kWorkers,
  kWorkersForget,
  kWorkersRename,
  kWorkersRevoke,
  kCopy,
  kLaunch,
  kPs,
  kStop,
  kKill,
  kStart,
  kUsage,
  kLogs,
  kDelete,
  kRm,
  kFailover,
  kFailoverResume,
  kEvents,
  kHistory,
  kDescribe,
  kNames,
  kHelp,
  kVersion,
  kQuit,  // the last one
};
inline constexpr std::size_t kCommandCount = static_cast<std::size_t>(CommandId::kQuit) + 1;

constexpr std::size_t index_of(CommandId id) {
  return static_cast<std::size_t>(id);
}

// True if a table with one row a command has a row for each, in the order of CommandId. For a
// static_assert beside every such table: a command without a row does not compile.
template <typename Row, std::size_t kRows>
constexpr bool has_row_for_each_command(const Row (&rows)[kRows]) {
  if (kRows != kCommandCount) return false;
  for (std::size_t i = 0; i < kRows; ++i)
    if (index_of(rows[i].id) != i) return false;
  return true;
}

inline constexpr int kAnyNumber = 1'000'000;

struct OperandSpec {
  int least = 0, most = 0;
  OperandKind kind = OperandKind::kNone;
  std::string_view usage = {};
};

struct CommandSpec {
  CommandId id{};
  std::string_view name = {};  // may be two words: "workers forget"
  OperandSpec operands = {};
  std::span<const OptionSpec> options = {};
  bool rest = false;  // takes what stands behind "--"
  Role role = Role::kViewer;
  Reach reach = Reach::kLooks;
  std::string_view summary = {};  // one line
  std::string_view details = {};  // more of it, for `help COMMAND`; may be empty
  std::string_view example = {};  // what one could type; may be empty
  bool hidden = false;            // for dm itself, not for people
};

// Every command, indexed by CommandId.
std::span<const CommandSpec, kCommandCount> command_table();

// The command whose name `words` begin with, the longest name first; nullptr if there is none.
const CommandSpec* find_command(std::span<const std::string_view> words);

// The number of words in a command's name.
int name_words(const CommandSpec& command);

// "usage: NAME OPERANDS [OPTIONS]", without a newline.
std::string usage_text(const CommandSpec& command);
// An option as it is typed, with the name of its value: "--on WORKER".
std::string left_side(const OptionSpec& option);

// All names, for typos and completion.
std::vector<std::string_view> command_names();

}  // namespace dm
