#include "master/logs/log_merge.h"

#include <algorithm>

#include "common/units.h"

namespace dm::master {
namespace {

constexpr std::size_t kStampSize = 24;  // 2026-01-02T03:04:05.678Z, and a space behind it
constexpr std::size_t kMostTaken = 64 * 1024;

}  // namespace

LogMerge::Key LogMerge::add(std::string prefix) {
  const Key key = streams_.size();
  streams_.emplace_back().prefix = std::move(prefix);
  silent_.insert(key);
  return key;
}

bool LogMerge::feed(Key key, std::string_view bytes, std::int64_t now_ms) {
  Stream& stream = streams_[key];
  if (stream.ended) return true;
  stream.held.append(bytes);
  look(key);
  if (stream.has_line && !held_since_ms_) held_since_ms_ = now_ms;
  stream.full = stream.held.size() - stream.at >= kMostHeld;
  return !stream.full;
}

void LogMerge::end(Key key, std::int64_t now_ms) {
  if (std::exchange(streams_[key].ended, true)) return;
  silent_.erase(key);
  look(key);
  if (!streams_[key].has_line)
    finished_.push_back(key);
  else if (!held_since_ms_)
    held_since_ms_ = now_ms;
}

void LogMerge::drop(Key key) {
  Stream& stream = streams_[key];
  if (stream.has_line) first_lines_.erase({stream.time_ms, key});
  silent_.erase(key);
  stream = Stream();
  stream.ended = true;
}

// Finds the first line of a stream, unless it is known already.
void LogMerge::look(Key key) {
  Stream& stream = streams_[key];
  if (stream.has_line) return;
  const std::size_t newline = stream.held.find('\n', std::max(stream.at, stream.scanned));
  stream.scanned = stream.held.size();
  const std::size_t rest = stream.held.size() - stream.at;
  if (newline != std::string::npos && newline - stream.at < kMostHeld)
    stream.length = newline - stream.at;
  else if (rest >= kMostHeld || (stream.ended && rest > 0))
    stream.length = std::min(rest, kMostHeld);
  else
    return;
  const std::string_view line = std::string_view(stream.held).substr(stream.at, stream.length);
  stream.stamp = 0;
  if (!stream.inside && line.size() > kStampSize && line[kStampSize] == ' ') {
    // One without a time of its own stands where the line before it does.
    const auto time = parse_time_utc(line.substr(0, kStampSize));
    stream.time_ms = time.value_or(stream.time_ms);
    stream.stamp = time ? kStampSize + 1 : 0;
  }
  stream.has_line = true;
  first_lines_.emplace(stream.time_ms, key);
  silent_.erase(key);
}

void LogMerge::pop(std::string& text) {
  const Key key = first_lines_.begin()->second;
  first_lines_.erase(first_lines_.begin());
  Stream& stream = streams_[key];
  const std::size_t skipped = options_.stamps ? 0 : stream.stamp;
  text += stream.prefix;
  text.append(stream.held, stream.at + skipped, stream.length - skipped);
  text += '\n';
  stream.at += stream.length;
  stream.inside = stream.at == stream.held.size() || stream.held[stream.at] != '\n';
  if (!stream.inside) ++stream.at;
  stream.scanned = stream.at;
  stream.has_line = false;
  if (stream.at > stream.held.size() / 2) {
    stream.held.erase(0, stream.at);
    stream.at = stream.scanned = 0;
  }
  look(key);
  if (!stream.has_line && !stream.ended) silent_.insert(key);
  if (!stream.has_line && stream.ended) finished_.push_back(key);
  if (stream.full && stream.held.size() - stream.at < kMostHeld) {
    stream.full = false;
    resumable_.push_back(key);
  }
}

std::string LogMerge::take(std::int64_t now_ms) {
  std::string text;
  const bool late = is_late(now_ms);
  while (!first_lines_.empty() && text.size() < kMostTaken && (silent_.empty() || late)) pop(text);
  if (first_lines_.empty())
    held_since_ms_.reset();
  else if (!text.empty() && !late)
    held_since_ms_ = now_ms;
  return text;
}

std::int64_t LogMerge::deadline() const {
  if (!options_.follows || !held_since_ms_ || first_lines_.empty()) return INT64_MAX;
  return std::max(*held_since_ms_ + kSilentMs, began_ms_ + kBeginMs);
}

}  // namespace dm::master
