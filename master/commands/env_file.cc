// Files of variables.
#include "master/commands/env_file.h"

#include <algorithm>
#include <optional>

namespace dm {
namespace {

constexpr std::string_view kOption = "--env-file";

}  // namespace

Result<std::vector<std::string>> parse_env_file(std::string_view content) {
  std::vector<std::string> variables;
  for (int number = 1; !content.empty(); ++number) {
    const std::size_t end = std::min(content.find('\n'), content.size());
    std::string_view line = content.substr(0, end);
    content.remove_prefix(std::min(end + 1, content.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const std::size_t equals = line.find('=');
    if (equals == line.npos || equals == 0)
      return fail(Code::kBadArg, "line " + std::to_string(number) + " is no NAME=VALUE");
    variables.emplace_back(line);
  }
  return variables;
}

Result<std::vector<std::string>> expand_env_files(
    const std::vector<std::string>& words,
    const std::function<Result<std::string>(const std::string& path)>& read) {
  std::vector<std::string> expanded;
  bool is_option = true;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    is_option = is_option && word != "--";
    std::optional<std::string> path;
    if (is_option && word == kOption && i + 1 < words.size()) path = words[++i];
    if (is_option && word.starts_with(std::string(kOption) + "="))
      path = word.substr(kOption.size() + 1);
    if (!path) {
      expanded.push_back(word);
      continue;
    }
    const auto content = read(*path);
    if (!content) return content.error();
    const auto variables = parse_env_file(*content);
    if (!variables) return fail(variables.error().code, *path + ": " + variables.error().message);
    for (const std::string& variable : *variables) {
      expanded.emplace_back("--env");
      expanded.push_back(variable);
    }
  }
  return expanded;
}

}  // namespace dm
