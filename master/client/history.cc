#include "master/client/history.h"

namespace dm {

bool History::add(std::string_view line) {
  constexpr std::string_view kNeverKept("\n\0", 2);
  if (line.empty() || line[0] == ' ' || line.size() > kMaxLineBytes) return false;
  if (line.find_first_not_of(" \t") == std::string_view::npos) return false;
  if (line.find_first_of(kNeverKept) != std::string_view::npos) return false;
  if (!lines_.empty() && lines_.back() == line) return false;
  lines_.emplace_back(line);
  if (lines_.size() > kMaxLines) lines_.pop_front();
  return true;
}

std::size_t History::parse(std::string_view content) {
  std::size_t lines = 0;
  for (std::size_t at = 0, end; (end = content.find('\n', at)) != content.npos; at = end + 1) {
    add(content.substr(at, end - at));
    ++lines;
  }
  return lines;
}

std::string History::print() const {
  std::string content;
  for (const std::string& line : lines_) content += line + '\n';
  return content;
}

}  // namespace dm
