// master/commands/command_table.h - every command, once: arity, options, help, completion, who
// may give it. Pure data.
#pragma once

#include <span>
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
  std::string_view name;  // "--on" or "-n"
  OperandKind value = OperandKind::kNone;
  ValueCheck check = ValueCheck::kNone;
  bool repeats = false;
  std::string_view choices = {};  // words separated by '|', with kChoice
};

enum class Role { kViewer, kOperator, kAdmin };

inline constexpr int kAnyNumber = 1'000'000;

struct CommandSpec {
  std::string_view name;                  // may be two words: "workers forget"
  int least = 0, most = 0;                // operands
  std::span<const OperandKind> operands;  // the last one repeats
  std::span<const OptionSpec> options;
  bool rest = false;  // takes what stands behind "--"
  Role role = Role::kViewer;
  std::string_view usage;    // behind the name
  std::string_view summary;  // one line
  std::string_view details;  // more of it, for `help COMMAND`; may be empty
  bool hidden = false;       // for dm itself, not for people
};

std::span<const CommandSpec> command_table();

// The command whose name `words` begin with, the longest name first; nullptr if there is none.
const CommandSpec* find_command(std::span<const std::string_view> words);

// The number of words in a command's name.
int name_words(const CommandSpec& command);

// All names, for typos and completion.
std::vector<std::string_view> command_names();

}  // namespace dm
