#include "worker/core/log_times.h"

#include <algorithm>

#include "common/codec.h"
#include "common/units.h"

namespace dm::worker {

std::string print_mark(const LogMark& mark) {
  return std::to_string(mark.size) + " " + std::to_string(mark.wall_ms) + "\n";
}

std::size_t torn_bytes(std::string_view end_of_index) {
  const std::size_t newline = end_of_index.rfind('\n');
  return end_of_index.size() - (newline == std::string_view::npos ? 0 : newline + 1);
}

LogTimes LogTimes::parse(std::string_view text) {
  LogTimes times;
  while (true) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return times;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;
    const auto size = parse_integer(line.substr(0, space));
    const auto wall_ms = parse_integer(line.substr(space + 1));
    if (size && wall_ms) times.add({*size, *wall_ms});
  }
}

std::string LogTimes::print() const {
  std::string text;
  for (const LogMark& mark : marks_) text += print_mark(mark);
  return text;
}

void LogTimes::add(const LogMark& mark) {
  if (mark.size > (marks_.empty() ? 0 : marks_.back().size)) marks_.push_back(mark);
}

std::int64_t LogTimes::time_of(std::int64_t offset) const {
  const auto found =
      std::upper_bound(marks_.begin(), marks_.end(), offset,
                       [](std::int64_t wanted, const LogMark& mark) { return wanted < mark.size; });
  return found == marks_.end() ? marks_.back().wall_ms : found->wall_ms;
}

// A clock that was set back makes the times fall: from the first mark that is young enough on,
// everything counts.
std::int64_t LogTimes::offset_since(std::int64_t wall_ms) const {
  std::int64_t offset = 0;
  for (const LogMark& mark : marks_) {
    if (mark.wall_ms >= wall_ms) return offset;
    offset = mark.size;
  }
  return offset;
}

void LogTimes::thin(std::int64_t first_kept, std::size_t most) {
  std::erase_if(marks_, [&](const LogMark& mark) { return mark.size <= first_kept; });
  while (marks_.size() > most) {
    // The later one of two stays: it is true of the bytes of both.
    std::size_t kept = 0;
    for (std::size_t i = marks_.size() % 2 == 0 ? 1 : 0; i < marks_.size(); i += 2)
      marks_[kept++] = marks_[i];
    marks_.resize(kept);
  }
}

std::string LineStamper::stamp(std::string_view bytes, std::int64_t offset, const LogTimes& times) {
  std::string text;
  text.reserve(bytes.size() + bytes.size() / 2);
  while (!bytes.empty()) {
    if (at_line_start_) text += print_time_utc(times.time_of(offset)) + " ";
    const std::size_t newline = bytes.find('\n');
    at_line_start_ = newline != std::string_view::npos;
    const std::size_t length = at_line_start_ ? newline + 1 : bytes.size();
    text += bytes.substr(0, length);
    bytes.remove_prefix(length);
    offset += static_cast<std::int64_t>(length);
  }
  return text;
}

}  // namespace dm::worker
