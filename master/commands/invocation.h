// master/commands/invocation.h - the words of one command, checked against its row in the table.
// Pure: never knows which apps or workers exist.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/package_request.h"
#include "common/result.h"
#include "master/commands/command_table.h"

namespace dm {

struct Invocation {
  const CommandSpec* command = nullptr;
  std::vector<std::string> operands;
  std::vector<std::pair<std::string, std::string>> options;  // flags have an empty value
  std::vector<std::string> rest;                             // behind "--"

  bool has(std::string_view option) const;
  std::optional<std::string> value(std::string_view option) const;
  std::vector<std::string> values(std::string_view option) const;
  // REQUIRES an option whose check is kDuration, kCount or kPositive; `otherwise` if absent.
  std::int64_t duration_ms(std::string_view option, std::int64_t otherwise) const;
  std::int64_t number(std::string_view option, std::int64_t otherwise) const;
  // How long before `wall_ms` an option's time is, 0 for one to come. REQUIRES one whose check is
  // kTime and which is there.
  std::int64_t ago_ms(std::string_view option, std::int64_t wall_ms) const;
};

// Errors, each one line that says what is wrong and what would be right:
//   unknown-verb  no such command (with the nearest one)
//   bad-arg       unknown option, missing value, wrong number of operands, a bad value
Result<Invocation> parse_invocation(const std::vector<std::string>& words);

// The command as the audit trail keeps it: as it was typed, but with the values of --env and the
// words behind `--` left out, for they may hold secrets.
std::string words_for_trail(const Invocation& invocation);
// "NAME=..." of "NAME=VALUE".
std::string hide_value(std::string_view variable);

// `help`: every command on a line; `help COMMAND`: its usage, options and details. Lines end in
// "\n". Errors: not-found, with the nearest command.
Result<std::string> help_text(const std::vector<std::string>& words);

// True if the words name files which whoever typed them has to read: `copy FILE`, `launch ./x`.
bool needs_files(const Invocation& invocation);
// Which files these are. REQUIRES needs_files(invocation).
PackageRequest package_request(const Invocation& invocation);

}  // namespace dm
