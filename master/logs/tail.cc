#include "master/logs/tail.h"

#include <algorithm>

#include "common/codec.h"

namespace dm::master {

std::string print_tail(const Tail& tail) {
  Line line("TAIL");
  line.add("instance", tail.instance).add("run", tail.run).add("worker", tail.worker);
  line.add("at", tail.at_ms).add("bytes", tail.text.size());
  if (tail.part) line.add("part", 1);
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
  tail.part = line->has("part");
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

std::vector<std::string> TailShelf::add(const std::string& instance, std::int64_t run,
                                        std::int64_t ended_ms, std::int64_t bytes) {
  drop(instance);
  const Age age{ended_ms, next_++};
  tails_[instance] = {run, bytes, age};
  by_age_[age] = instance;
  bytes_ += bytes;
  std::vector<std::string> gone;
  while (bytes_ > most_bytes_) {
    gone.push_back(by_age_.begin()->second);
    drop(gone.back());
  }
  return gone;
}

void TailShelf::is_unavailable(const std::string& instance, std::int64_t run) {
  unavailable_[instance] = run;
}

bool TailShelf::lacks(const std::string& instance, std::int64_t run, std::int64_t ended_ms) const {
  const auto kept = tails_.find(instance);
  if (kept != tails_.end() && kept->second.run >= run) return false;
  const auto unavailable = unavailable_.find(instance);
  if (unavailable != unavailable_.end() && unavailable->second >= run) return false;
  const bool is_full = bytes_ + static_cast<std::int64_t>(Tail::kMostBytes) > most_bytes_;
  return !is_full || by_age_.empty() || ended_ms >= by_age_.begin()->first.first;
}

void TailShelf::remove(const std::string& instance) {
  drop(instance);
  unavailable_.erase(instance);
}

void TailShelf::drop(const std::string& instance) {
  const auto kept = tails_.extract(instance);
  if (kept.empty()) return;
  bytes_ -= kept.mapped().bytes;
  by_age_.erase(kept.mapped().age);
}

std::vector<std::string> TailShelf::names() const {
  std::vector<std::string> names;
  for (const auto& [name, kept] : tails_) names.push_back(name);
  for (const auto& [name, run] : unavailable_)
    if (!tails_.contains(name)) names.push_back(name);
  return names;
}

// --- what is asked for ---

void TailQueue::wait(const std::string& instance, Known& known, std::int64_t due_ms) {
  known.waits = true;
  known.due_ms = due_ms;
  due_[known.worker].emplace(due_ms, instance);
}

void TailQueue::leave(const std::string& instance, Known& known) {
  if (!std::exchange(known.waits, false)) return;
  const auto queue = due_.find(known.worker);
  queue->second.erase({known.due_ms, instance});
  if (queue->second.empty()) due_.erase(queue);
}

void TailQueue::want(const std::string& instance, const std::string& worker, std::int64_t now_ms) {
  Known& known = known_[instance];
  leave(instance, known);
  known.worker = worker;
  known.tries = 0;
  wait(instance, known, std::max(now_ms, known.asked_ms + kAgainMs));
}

std::optional<std::string> TailQueue::next(std::int64_t now_ms) {
  if (busy_.size() >= kMostAtOnce) return std::nullopt;
  for (const auto& [worker, queue] : due_) {
    if (busy_.contains(worker) || queue.begin()->first > now_ms) continue;
    const std::string instance = queue.begin()->second;
    busy_[worker] = instance;
    Known& known = known_[instance];
    known.asked_ms = now_ms;
    leave(instance, known);
    return instance;
  }
  return std::nullopt;
}

bool TailQueue::failed(const std::string& worker, std::int64_t now_ms) {
  const auto busy = busy_.extract(worker);
  const auto known = busy.empty() ? known_.end() : known_.find(busy.mapped());
  // A later end than the one that failed waits already, or nobody wants it any more.
  if (known == known_.end() || known->second.waits) return true;
  if (++known->second.tries >= kMostTries) return false;
  const std::int64_t pause = std::min(kAgainMs << (known->second.tries - 1), kMostAgainMs);
  wait(known->first, known->second, now_ms + pause);
  return true;
}

void TailQueue::forget(const std::string& instance) {
  const auto known = known_.find(instance);
  if (known == known_.end()) return;
  leave(instance, known->second);
  known_.erase(known);
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
