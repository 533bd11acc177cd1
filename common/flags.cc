// The command lines of the programs.
#include "common/flags.h"

#include <algorithm>
#include <optional>

#include "common/escape.h"
#include "common/help_rows.h"
#include "common/names.h"

namespace dm {
namespace {

constexpr std::size_t kTextColumn = 26;

// Known to every program; they stand behind the rows of its own.
constexpr FlagText kCommon[] = {
    {"version", Takes::kNothing, "", "", "print the version, and end"},
    {"help", Takes::kNothing, "", "", "print this, and end"},
};

std::string dashed(std::string_view name) {
  return "--" + std::string(name);
}

std::string left_side(const FlagText& row) {
  std::string left = dashed(row.name);
  if (row.takes == Takes::kValue) left.append(" ").append(row.value);
  if (row.takes == Takes::kPerhapsAValue) left.append("[=").append(row.value).append("]");
  return left;
}

class Reader {
 public:
  Reader(std::span<const FlagText> rows, std::span<const std::string> words, Operands operands)
      : rows_(rows.begin(), rows.end()), words_(words), operands_(operands), own_(rows.size()) {
    rows_.insert(rows_.end(), std::begin(kCommon), std::end(kCommon));
  }

  Result<SplitFlags> read() {
    while (at_ < words_.size() && split_.read.wish == FlagsRead::Wish::kRun) {
      const std::string& word = words_[at_];
      if (word == "--") {
        ++at_;
        break;
      }
      const bool is_flag = word.size() > 1 && word.front() == '-';
      if (!is_flag && operands_ == Operands::kFirstEndsFlags) break;
      if (auto taken = is_flag ? flag(word) : operand(word); !taken) return taken.error();
      ++at_;
    }
    if (split_.read.wish != FlagsRead::Wish::kRun) return std::move(split_);
    for (; at_ < words_.size(); ++at_)
      if (auto taken = operand(words_[at_]); !taken) return taken.error();
    return std::move(split_);
  }

 private:
  Status operand(const std::string& word) {
    if (operands_ == Operands::kNone)
      return fail(Code::kBadArg, "did not expect '" + excerpt(word) + "': options begin with --");
    split_.read.operands.push_back(word);
    return {};
  }

  Status flag(const std::string& word) {
    const std::size_t equals = word.find('=');
    const std::string given = word.substr(0, equals);
    const auto row = find(given);
    if (!row) return row.error();
    const FlagText& text = rows_[*row];
    if (*row >= own_) {
      split_.read.wish = text.name == "help" ? FlagsRead::Wish::kHelp : FlagsRead::Wish::kVersion;
      return {};
    }
    FlagWord found{*row, equals == word.npos ? "" : word.substr(equals + 1)};
    if (text.takes == Takes::kNothing && equals != word.npos)
      return fail(Code::kBadArg, dashed(text.name) + " takes no value");
    if (text.takes == Takes::kValue && equals == word.npos) {
      if (at_ + 1 >= words_.size())
        return fail(Code::kBadArg, "a value is missing: " + left_side(text));
      found.value = words_[++at_];
    }
    split_.flags.push_back(std::move(found));
    return {};
  }

  // The row of "--name" or of an unambiguous beginning of it.
  Result<std::size_t> find(const std::string& given) const {
    std::vector<std::size_t> begun;
    std::vector<std::string_view> known;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (given == dashed(rows_[i].name)) return i;
      if (rows_[i].help.empty()) continue;
      known.push_back(rows_[i].name);
      if (given.size() > 2 && dashed(rows_[i].name).starts_with(given)) begun.push_back(i);
    }
    if (begun.size() == 1) return begun.front();
    if (begun.size() > 1)
      return fail(Code::kBadArg, "'" + excerpt(given) + "' could be " +
                                     dashed(rows_[begun[0]].name) + " or " +
                                     dashed(rows_[begun[1]].name) + ": give the whole name");
    const std::string name = given.substr(std::min(given.find_first_not_of('-'), given.size()));
    const auto near = nearest(name, known);
    return fail(Code::kBadArg, "no option '" + excerpt(given) + "'" +
                                   (near ? "; did you mean " + dashed(*near) + "?" : ""));
  }

  std::vector<FlagText> rows_;
  std::span<const std::string> words_;
  Operands operands_;
  std::size_t own_;  // rows of the program itself
  std::size_t at_ = 0;
  SplitFlags split_;
};

}  // namespace

Result<SplitFlags> split_flags(std::span<const FlagText> rows, std::span<const std::string> words,
                               Operands operands) {
  return Reader(rows, words, operands).read();
}

std::string flags_help(std::span<const FlagText> rows) {
  std::string text;
  const auto add = [&text](const FlagText& row) {
    if (row.help.empty()) return;
    std::string right(row.help);
    if (!row.fallback.empty()) right.append(" (").append(row.fallback).append(")");
    text += help_row(left_side(row), right, kTextColumn);
  };
  for (const FlagText& row : rows) add(row);
  for (const FlagText& row : kCommon) add(row);
  return text;
}

Result<std::int64_t> number_within(const std::string& text, std::int64_t least, std::int64_t most) {
  const auto number = parse_integer(text);
  if (number && *number >= least && *number <= most) return *number;
  return fail(Code::kBadArg, "'" + excerpt(text) + "' is no number from " + std::to_string(least) +
                                 " to " + std::to_string(most));
}

Result<std::int64_t> duration_from(const std::string& text, std::int64_t least_ms) {
  const auto duration = parse_duration_ms(text);
  if (!duration) return duration.error();
  if (*duration >= least_ms) return *duration;
  return fail(Code::kBadArg,
              "'" + excerpt(text) + "' is too short: at least " + std::to_string(least_ms) + "ms");
}

Result<std::int64_t> bytes_from(const std::string& text, std::int64_t least) {
  const auto bytes = parse_bytes(text);
  if (!bytes) return bytes.error();
  if (*bytes >= least) return *bytes;
  return fail(Code::kBadArg,
              "'" + excerpt(text) + "' is too little: at least " + print_bytes(least));
}

}  // namespace dm
