#include "master/commands/invocation.h"

#include <algorithm>

#include "common/codec.h"
#include "common/escape.h"
#include "common/help_rows.h"
#include "common/names.h"
#include "common/shell_words.h"
#include "common/units.h"

namespace dm {
namespace {

constexpr std::size_t kOptionColumn = 24;           // where the help of options begins
constexpr std::int64_t kLeastLogBytes = 64 * 1024;  // the workers refuse less

std::string quoted(std::string_view text) {
  return "'" + escape_for_terminal(text) + "'";
}

Error bad(const CommandSpec& command, const std::string& what) {
  return fail(Code::kBadArg, std::string(command.name) + ": " + what + "; " + usage_text(command));
}

Error unknown_command(std::string_view name) {
  std::string text = "no command " + quoted(name);
  if (const auto near = nearest(name, command_names()))
    text += "; did you mean '" + *near + "'?";
  else
    text += "; 'help' lists them";
  return fail(Code::kUnknownVerb, text);
}

const OptionSpec* find_option(const CommandSpec& command, std::string_view name) {
  for (const OptionSpec& option : command.options)
    if (option.name == name) return &option;
  return nullptr;
}

Error unknown_option(const CommandSpec& command, std::string_view name) {
  std::vector<std::string_view> known;
  for (const OptionSpec& option : command.options) known.push_back(option.name);
  const auto near = nearest(name, known);
  return bad(command, "no option " + quoted(name) + (near ? ", did you mean " + *near + "?" : ""));
}

bool is_choice(std::string_view choices, std::string_view value) {
  while (!value.empty() && !choices.empty()) {
    const std::size_t bar = std::min(choices.find('|'), choices.size());
    if (choices.substr(0, bar) == value) return true;
    choices.remove_prefix(std::min(bar + 1, choices.size()));
  }
  return false;
}

// What is wrong with a value; empty if nothing is.
std::string complaint(const OptionSpec& option, const std::string& value) {
  const auto number = parse_integer(value);
  switch (option.check) {
    case ValueCheck::kNone: return value.empty() ? "is empty" : "";
    case ValueCheck::kDuration: {
      const auto duration = parse_duration_ms(value);
      return duration ? "" : duration.error().message;
    }
    case ValueCheck::kLogSize: {
      const auto bytes = parse_bytes(value);
      if (!bytes) return bytes.error().message;
      return *bytes >= kLeastLogBytes ? "" : "wants at least 64K";
    }
    case ValueCheck::kTime: {
      if (parse_time_utc(value)) return "";
      const auto duration = parse_duration_ms(value);
      return duration ? "" : duration.error().message + ", or a time like 2026-01-02T03:04:05Z";
    }
    case ValueCheck::kCount: return number && *number >= 0 ? "" : "wants a number from 0";
    case ValueCheck::kPositive:
      return number && *number >= 1 && *number <= 100'000 ? "" : "wants a number from 1 to 100000";
    case ValueCheck::kEnvironment: {
      const std::size_t equals = value.find('=');
      if (equals == std::string::npos || equals == 0) return "wants NAME=VALUE";
      const std::string_view name = std::string_view(value).substr(0, equals);
      const bool is_mark = name == "DM_INSTANCE" || name == "DM_RUN";
      return is_mark ? "cannot be set: dm knows the processes of an instance by it" : "";
    }
    case ValueCheck::kAppName:
      return is_app_name(value) ? "" : "wants an app name: a-z 0-9 _ -, at most 63, not 'all'";
    case ValueCheck::kChoice:
      return is_choice(option.choices, value) ? "" : "wants " + std::string(option.choices);
  }
  return "";
}

// Reads the option at words[at] and moves `at` behind it and its value.
Status read_option(const std::vector<std::string>& words, std::size_t& at, Invocation& into) {
  const CommandSpec& command = *into.command;
  std::string name = words[at];
  std::optional<std::string> value;
  const std::size_t equals = name.find('=');
  if (name.starts_with("--") && equals != std::string::npos) {
    value = name.substr(equals + 1);
    name.resize(equals);
  } else if (!name.starts_with("--") && name.size() > 2 &&
             find_option(command, name.substr(0, 2))) {
    value = name.substr(2);  // -n20
    name.resize(2);
  }
  const OptionSpec* option = find_option(command, name);
  if (option == nullptr) return unknown_option(command, name);
  ++at;
  if (option->value == OperandKind::kNone) {
    if (value) return bad(command, name + " takes no value");
    into.options.emplace_back(name, "");
    return {};
  }
  if (!value) {
    if (at >= words.size()) return bad(command, name + " wants a value");
    value = words[at++];
  }
  if (const std::string wrong = complaint(*option, *value); !wrong.empty())
    return bad(command, name + " " + quoted(*value) + " " + wrong);
  if (!option->repeats && into.has(name)) return bad(command, name + " is given twice");
  into.options.emplace_back(name, *value);
  return {};
}

// Which operand is missing, by its name in the usage.
std::string missing(const CommandSpec& command) {
  return std::string(command.operands.usage) + " is missing";
}

Status check_operands(const Invocation& invocation) {
  const CommandSpec& command = *invocation.command;
  const int count = static_cast<int>(invocation.operands.size());
  if (count < command.operands.least) return bad(command, missing(command));
  if (count > command.operands.most)
    return bad(command,
               "did not expect " +
                   quoted(invocation.operands[static_cast<std::size_t>(command.operands.most)]));
  for (const std::string& operand : invocation.operands)
    if (operand.empty()) return bad(command, "an empty word stands for nothing");
  return {};
}

// An option that would be passed over in silence is refused.
Status check_options(const Invocation& invocation) {
  const CommandSpec& command = *invocation.command;
  if (invocation.has("-p") && invocation.has("--run"))
    return bad(command, "-p is the run before the last, --run another one: give one of them");
  if (command.name != "launch" || needs_files(invocation)) return {};
  for (const char* option : {"--as", "--lib", "--file"})
    if (invocation.has(option))
      return bad(command, std::string(option) + " is for a FILE, and " +
                              quoted(invocation.operands.front()) +
                              " is an app: a word without '/' names one that is registered");
  return {};
}

std::string help_of(const CommandSpec& command) {
  std::string text = wrap_text(usage_text(command), 0) + wrap_text(command.summary, 0);
  if (!command.options.empty()) text += "\n";
  for (const OptionSpec& option : command.options)
    text += help_row(left_side(option), option.help, kOptionColumn);
  if (!command.details.empty()) text += "\n" + wrap_text(command.details, 0);
  if (command.role != Role::kViewer) text += "\nfor " + role_word(command.role) + "s\n";
  if (!command.example.empty()) text += "\nexample: " + std::string(command.example) + "\n";
  return text;
}

std::string help_for_all() {
  std::size_t widest = 0;
  for (const CommandSpec& command : command_table()) widest = std::max(widest, command.name.size());
  std::string text;
  for (const CommandSpec& command : command_table()) {
    if (command.hidden) continue;
    text.append(command.name).append(widest - command.name.size() + 2, ' ');
    text.append(command.summary).append("\n");
  }
  return text + "'help COMMAND' explains one. Every listing takes --json.\n";
}

}  // namespace

bool Invocation::has(std::string_view option) const {
  return std::any_of(options.begin(), options.end(),
                     [&](const auto& entry) { return entry.first == option; });
}

std::optional<std::string> Invocation::value(std::string_view option) const {
  for (const auto& [name, given] : options)
    if (name == option) return given;
  return std::nullopt;
}

std::vector<std::string> Invocation::values(std::string_view option) const {
  std::vector<std::string> found;
  for (const auto& [name, given] : options)
    if (name == option) found.push_back(given);
  return found;
}

std::int64_t Invocation::duration_ms(std::string_view option, std::int64_t otherwise) const {
  const auto given = value(option);
  if (!given) return otherwise;
  const auto duration = parse_duration_ms(*given);
  return duration ? *duration : otherwise;
}

std::int64_t Invocation::ago_ms(std::string_view option, std::int64_t wall_ms) const {
  const std::string given = value(option).value_or("");
  if (const auto moment = parse_time_utc(given))
    return std::max<std::int64_t>(wall_ms - *moment, 0);
  return duration_ms(option, 0);
}

std::int64_t Invocation::number(std::string_view option, std::int64_t otherwise) const {
  const auto given = value(option);
  return given ? parse_integer(*given).value_or(otherwise) : otherwise;
}

Result<Invocation> parse_invocation(const std::vector<std::string>& words) {
  const std::vector<std::string_view> views(words.begin(), words.end());
  Invocation invocation;
  invocation.command = find_command(views);
  if (invocation.command == nullptr) return unknown_command(words.empty() ? "" : words.front());
  for (const std::string& word : words)
    if (word.find('\0') != std::string::npos)
      return bad(*invocation.command, "a word holds a NUL byte, which no line can carry");
  auto at = static_cast<std::size_t>(name_words(*invocation.command));
  bool operands_only = false;
  while (at < words.size()) {
    const std::string& word = words[at];
    if (word == "--" && invocation.command->rest) {
      invocation.rest.assign(words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
      break;
    }
    if (word == "--") {
      operands_only = true;
      ++at;
    } else if (word.size() > 1 && word.front() == '-' && !operands_only) {
      if (auto read = read_option(words, at, invocation); !read) return read.error();
    } else {
      invocation.operands.push_back(word);
      ++at;
    }
  }
  for (const auto check : {&check_operands, &check_options})
    if (auto checked = check(invocation); !checked) return checked.error();
  return invocation;
}

std::string hide_value(std::string_view variable) {
  return std::string(variable.substr(0, variable.find('='))) + "=...";
}

std::string words_for_trail(const Invocation& invocation) {
  std::string text(invocation.command->name);
  for (const std::string& operand : invocation.operands) text += " " + quote_word(operand);
  for (const auto& [name, value] : invocation.options) {
    text += " " + name;
    const OptionSpec* option = find_option(*invocation.command, name);
    const bool is_secret = option != nullptr && option->check == ValueCheck::kEnvironment;
    if (!value.empty()) text += " " + quote_word(is_secret ? hide_value(value) : value);
  }
  if (const std::size_t count = invocation.rest.size(); count > 0)
    text += " -- (" + std::to_string(count) + (count == 1 ? " argument)" : " arguments)");
  return text;
}

Result<std::string> help_text(const std::vector<std::string>& words) {
  if (words.empty()) return help_for_all();
  const std::vector<std::string_view> views(words.begin(), words.end());
  const CommandSpec* command = find_command(views);
  if (command == nullptr) return fail(Code::kNotFound, unknown_command(words.front()).message);
  return help_of(*command);
}

bool needs_files(const Invocation& invocation) {
  if (invocation.operands.empty()) return false;
  const std::string_view name = invocation.command->name;
  return name == "copy" ||
         (name == "launch" && invocation.operands.front().find('/') != std::string::npos);
}

PackageRequest package_request(const Invocation& invocation) {
  PackageRequest request;
  request.executable = invocation.operands.front();
  request.libs = invocation.values("--lib");
  request.files = invocation.values("--file");
  request.app = invocation.value("--as").value_or("");
  return request;
}

}  // namespace dm
