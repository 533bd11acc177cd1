// common/flags.h - reads the command line of a program by a table of its options: one row an
// option. Pure: argv goes in, values, a help text or one error come out; never prints, never exits.
//
//   --name VALUE, --name=VALUE and any unambiguous beginning of a name; `--` ends the options.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/codec.h"
#include "common/result.h"
#include "common/units.h"

namespace dm {

enum class Takes { kNothing, kValue, kPerhapsAValue };  // the last one only as --name=VALUE

// What --help prints of one option.
struct FlagText {
  std::string_view name;  // without its dashes
  Takes takes = Takes::kNothing;
  std::string_view value;     // the value's name in --help
  std::string_view fallback;  // the default in --help; empty: there is none
  std::string_view help;      // empty: not for people, --help leaves it out
};

// One option of a program whose options are a Target.
template <typename Target>
struct Flag {
  FlagText text;
  // Checks the value and keeps it. An error says what is wrong with the value, without the name.
  Status (*take)(Target&, const std::string& value) = nullptr;
};

// Where words that are no options may stand.
enum class Operands { kNone, kAnywhere, kFirstEndsFlags };

struct FlagsRead {
  enum class Wish { kRun, kHelp, kVersion };
  Wish wish = Wish::kRun;  // --help and --version are known everywhere; the rest is not read then
  std::vector<std::string> operands;
};

// One option as it stands on the command line; `row` counts from 0.
struct FlagWord {
  std::size_t row = 0;
  std::string value;
};

struct SplitFlags {
  FlagsRead read;
  std::vector<FlagWord> flags;  // in their order
};

// Which rows the words name. Errors, all bad-arg, one sentence each that names the word and says
// what to do: no such option, ambiguous, value missing, value not expected, operand not expected.
Result<SplitFlags> split_flags(std::span<const FlagText> rows, std::span<const std::string> words,
                               Operands operands);

// A line or more for each option that is for people, --version and --help last.
std::string flags_help(std::span<const FlagText> rows);

template <typename Target, std::size_t kRows>
std::vector<FlagText> texts_of(const Flag<Target> (&rows)[kRows]) {
  std::vector<FlagText> texts;
  for (const Flag<Target>& row : rows) texts.push_back(row.text);
  return texts;
}

// Reads the words (argv without its first) into `target`, which holds the defaults. Errors: those
// of split_flags(), and "--name: " with what the row's take() says.
template <typename Target, std::size_t kRows>
Result<FlagsRead> read_flags(const Flag<Target> (&rows)[kRows], std::span<const std::string> words,
                             Operands operands, Target& target) {
  auto split = split_flags(texts_of(rows), words, operands);
  if (!split) return split.error();
  if (split->read.wish != FlagsRead::Wish::kRun) return std::move(split->read);
  for (const FlagWord& word : split->flags) {
    const Flag<Target>& row = rows[word.row];
    if (auto taken = row.take(target, word.value); !taken)
      return fail(taken.error().code,
                  "--" + std::string(row.text.name) + ": " + taken.error().message);
  }
  return std::move(split->read);
}

// --- types: what a row's take can be ---

template <auto kField, typename Target>
Status take_text(Target& target, const std::string& value) {
  if (value.empty()) return fail(Code::kBadArg, "its value is empty");
  target.*kField = value;
  return {};
}

template <auto kField, typename Target>
Status add_text(Target& target, const std::string& value) {
  if (value.empty()) return fail(Code::kBadArg, "its value is empty");
  (target.*kField).push_back(value);
  return {};
}

template <auto kField, bool kValue, typename Target>
Status take_switch(Target& target, const std::string&) {
  target.*kField = kValue;
  return {};
}

Result<std::int64_t> number_within(const std::string& text, std::int64_t least, std::int64_t most);
Result<std::int64_t> duration_from(const std::string& text, std::int64_t least_ms);
Result<std::int64_t> bytes_from(const std::string& text, std::int64_t least);

template <auto kField, std::int64_t kLeast, std::int64_t kMost, typename Target>
Status take_number(Target& target, const std::string& value) {
  const auto number = number_within(value, kLeast, kMost);
  if (!number) return number.error();
  target.*kField = static_cast<std::remove_reference_t<decltype(target.*kField)>>(*number);
  return {};
}

template <auto kField, std::int64_t kLeastMs, typename Target>
Status take_duration(Target& target, const std::string& value) {
  const auto duration = duration_from(value, kLeastMs);
  if (!duration) return duration.error();
  target.*kField = *duration;
  return {};
}

template <auto kField, std::int64_t kLeast, typename Target>
Status take_bytes(Target& target, const std::string& value) {
  const auto bytes = bytes_from(value, kLeast);
  if (!bytes) return bytes.error();
  target.*kField = *bytes;
  return {};
}

}  // namespace dm
