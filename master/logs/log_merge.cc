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
  stream.fed_ms = now_ms;
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
  if (open_ == key) open_.reset();
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
    take_line(key, newline - stream.at);
  else if (rest >= kMostHeld || (stream.ended && (rest > 0 || open_ == key)))
    take_line(key, std::min(rest, kMostHeld));
}

void LogMerge::take_line(Key key, std::size_t length) {
  Stream& stream = streams_[key];
  stream.length = length;
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

// More than the time alone: an app that asks without a newline waits for its answer.
bool LogMerge::has_silent_piece(const Stream& stream) const {
  const std::size_t rest = stream.held.size() - stream.at;
  return !stream.has_line && !stream.ended && rest > (stream.inside ? 0 : kStampSize + 1);
}

void LogMerge::show_silent_pieces(std::string& text, std::int64_t now_ms) {
  for (Key key = 0; key < streams_.size(); ++key) {
    const Stream& stream = streams_[key];
    if (!has_silent_piece(stream) || now_ms < stream.fed_ms + kPieceMs) continue;
    take_line(key, stream.held.size() - stream.at);
    pop(text);
  }
}

// The line that is open goes on before any other begins.
void LogMerge::pop(std::string& text) {
  const bool goes_on = open_ && streams_[*open_].has_line;
  const Key key = goes_on ? *open_ : first_lines_.begin()->second;
  Stream& stream = streams_[key];
  first_lines_.erase({stream.time_ms, key});
  const std::size_t skipped = options_.stamps ? 0 : stream.stamp;
  if (open_ && !goes_on) text += '\n';
  if (!goes_on) text += stream.prefix;
  text.append(stream.held, stream.at + skipped, stream.length - skipped);
  stream.at += stream.length;
  stream.inside = stream.at == stream.held.size() || stream.held[stream.at] != '\n';
  open_.reset();
  if (stream.inside && !(stream.ended && stream.at == stream.held.size()))
    open_ = key;
  else
    text += '\n';
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
  if (options_.follows && first_lines_.empty()) show_silent_pieces(text, now_ms);
  if (first_lines_.empty())
    held_since_ms_.reset();
  else if (!text.empty() && !late)
    held_since_ms_ = now_ms;
  return text;
}

std::int64_t LogMerge::deadline() const {
  if (!options_.follows) return INT64_MAX;
  if (first_lines_.empty()) {
    std::int64_t due_ms = INT64_MAX;
    for (const Stream& stream : streams_)
      if (has_silent_piece(stream)) due_ms = std::min(due_ms, stream.fed_ms + kPieceMs);
    return due_ms;
  }
  if (!held_since_ms_) return INT64_MAX;
  return std::max(*held_since_ms_ + kSilentMs, began_ms_ + kBeginMs);
}

}  // namespace dm::master
