#include "master/core/tail.h"

#include <algorithm>

#include "common/codec.h"

namespace dm::master {

std::string print_tail(const Tail& tail) {
  Line line("TAIL");
  line.add("instance", tail.instance).add("run", tail.run).add("worker", tail.worker);
  line.add("at", tail.at_ms).add("bytes", tail.text.size());
  return line.print() + tail.text;
}

std::optional<Tail> parse_tail(std::string_view file) {
  const std::size_t newline = file.find('\n');
  if (newline == std::string_view::npos) return std::nullopt;
  const auto line = parse_line(file.substr(0, newline));
  if (!line || line->verb() != "TAIL") return std::nullopt;
  Tail tail;
  tail.instance = line->text("instance");
  tail.worker = line->text("worker");
  tail.run = line->number_or("run", 0);
  tail.at_ms = line->number_or("at", 0);
  tail.text = file.substr(newline + 1);
  const auto size = static_cast<std::int64_t>(tail.text.size());
  return line->number_or("bytes", -1) == size ? std::optional(tail) : std::nullopt;
}

std::string_view last_lines(std::string_view text, std::int64_t lines) {
  if (lines <= 0) return {};
  std::size_t at = text.size() - (text.ends_with('\n') ? 1 : 0);
  while (at > 0) {
    if (text[at - 1] == '\n' && --lines == 0) break;
    --at;
  }
  return text.substr(at);
}

// --- what is kept ---

std::vector<std::string> TailShelf::add(const std::string& instance, std::int64_t bytes) {
  remove(instance);
  tails_[instance] = {next_, bytes};
  by_age_[next_++] = instance;
  bytes_ += bytes;
  std::vector<std::string> gone;
  while (bytes_ > most_bytes_) {
    gone.push_back(by_age_.begin()->second);
    remove(gone.back());
  }
  return gone;
}

void TailShelf::remove(const std::string& instance) {
  const auto kept = tails_.extract(instance);
  if (kept.empty()) return;
  bytes_ -= kept.mapped().bytes;
  by_age_.erase(kept.mapped().number);
}

std::vector<std::string> TailShelf::names() const {
  std::vector<std::string> names;
  for (const auto& [name, kept] : tails_) names.push_back(name);
  return names;
}

// --- what is asked for ---

void TailQueue::want(const std::string& instance, const std::string& worker, std::int64_t now_ms) {
  Known& known = known_[instance];
  if (known.waits) return;
  known.waits = true;
  known.worker = worker;
  known.due_ms = std::max(now_ms + kDelayMs, known.asked_ms + kAgainMs);
  due_[worker].emplace(known.due_ms, instance);
}

std::optional<std::string> TailQueue::next(std::int64_t now_ms) {
  if (busy_.size() >= kMostAtOnce) return std::nullopt;
  for (auto& [worker, queue] : due_) {
    if (busy_.contains(worker) || queue.begin()->first > now_ms) continue;
    const std::string instance = queue.begin()->second;
    busy_.insert(worker);
    Known& known = known_[instance];
    known.waits = false;
    known.asked_ms = now_ms;
    queue.erase(queue.begin());
    if (queue.empty()) due_.erase(std::string(worker));
    return instance;
  }
  return std::nullopt;
}

void TailQueue::forget(const std::string& instance) {
  const auto known = known_.extract(instance);
  if (known.empty() || !known.mapped().waits) return;
  const auto queue = due_.find(known.mapped().worker);
  queue->second.erase({known.mapped().due_ms, instance});
  if (queue->second.empty()) due_.erase(queue);
}

std::vector<std::string> TailQueue::names() const {
  std::vector<std::string> names;
  for (const auto& [name, known] : known_) names.push_back(name);
  return names;
}

std::int64_t TailQueue::deadline() const {
  std::int64_t earliest = INT64_MAX;
  if (busy_.size() >= kMostAtOnce) return earliest;
  for (const auto& [worker, queue] : due_)
    if (!busy_.contains(worker)) earliest = std::min(earliest, queue.begin()->first);
  return earliest;
}

}  // namespace dm::master
