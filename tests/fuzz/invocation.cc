// master/commands/invocation.h: any words; and master/client/complete.h: any half of a line.
#include "master/commands/invocation.h"

#include <algorithm>

#include "common/escape.h"
#include "common/shell_words.h"
#include "master/client/complete.h"
#include "tests/fuzz/target.h"

using namespace dm;

namespace {

void check_error(const Error& error) {
  CHECK(!error.message.empty());
  CHECK_EQ(escape_for_terminal(error.message), error.message);
}

void check_invocation(const Invocation& invocation, const std::vector<std::string>& words) {
  const CommandSpec& command = *invocation.command;
  const int operands = static_cast<int>(invocation.operands.size());
  CHECK(operands >= command.operands.least && operands <= command.operands.most);
  CHECK(invocation.rest.empty() || command.rest);
  const auto given = [&](const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  for (const std::string& operand : invocation.operands) CHECK(!operand.empty() && given(operand));
  for (const std::string& word : invocation.rest) CHECK(given(word));
  for (const auto& option : invocation.options) {
    CHECK(std::any_of(command.options.begin(), command.options.end(),
                      [&](const OptionSpec& spec) { return spec.name == option.first; }));
    CHECK(invocation.has(option.first));
    CHECK(invocation.duration_ms(option.first, 0) >= 0);
  }
  if (!needs_files(invocation)) return;
  const PackageRequest request = package_request(invocation);
  CHECK(given(request.executable));
}

CompletionWords some_words() {
  CompletionWords words;
  for (const CommandSpec& command : command_table()) {
    CommandWords row;
    row.name = command.name;
    row.operands = {command.operands.kind};
    for (const OptionSpec& option : command.options)
      row.options.push_back({std::string(option.name), option.value, {}});
    words.commands.push_back(std::move(row));
  }
  words.workers = {"w1", "w2"};
  words.apps = {"web", "it's"};
  words.instances = {"web.1"};
  return words;
}

// What TAB puts there is read as the candidate: whatever quote is open.
void check_completion(std::string_view text) {
  static const CompletionWords kWords = some_words();
  Completion completion = complete(kWords, text);
  if (completion.files) completion = with_files(completion, {"a b", "c'd", "-x", "dir/", "\x1b["});
  CHECK(completion.start <= text.size());
  CHECK(std::is_sorted(completion.candidates.begin(), completion.candidates.end()));
  for (const std::string& candidate : completion.candidates) {
    CHECK(candidate.starts_with(completion.word));
    CHECK(completion.shown_from <= candidate.size());
    // What was typed is its typist's; what is added is ours.
    const std::string added = candidate.substr(completion.word.size());
    CHECK_EQ(escape_for_terminal(added), added);
    const auto words = split_words(std::string(text.substr(0, completion.start)) +
                                   quote_part(candidate, completion.quote, true));
    if (!words) continue;  // what stands before was unfinished already
    REQUIRE(!words->empty());
    CHECK_EQ(words->back(), candidate);
  }
  CHECK(common_prefix(completion.candidates).starts_with(completion.word) ||
        completion.candidates.empty());
}

}  // namespace

TARGET(invocation) {
  check_completion(input);
  const auto words = split_words(input);
  if (!words) return;
  const auto invocation = parse_invocation(*words);
  if (invocation) {
    check_invocation(*invocation, *words);
  } else {
    check_error(invocation.error());
  }
  const auto help = help_text(*words);
  if (!help) check_error(help.error());
}
