#include "worker/core/sample_turns.h"

#include <algorithm>

namespace dm::worker {
namespace {

bool is_measurable(const Instance& instance) {
  return is_alive(instance) && instance.pid > 0;
}

}  // namespace

void SampleTurns::began(const std::string& instance, Now now) {
  fresh_.insert(instance);
  fresh_ms_ = std::min(fresh_ms_, now.mono_ms + kSoonMs);
}

void SampleTurns::hurry(Now now) {
  turn_ms_ = std::min(turn_ms_, now.mono_ms);
}

std::int64_t SampleTurns::next() const {
  return is_under_way_ ? kNever : std::min(fresh_ms_, turn_ms_);
}

TakeSample SampleTurns::take(const Instances& instances, Now now) {
  TakeSample sample;
  is_under_way_ = true;
  is_turn_ = sample.scans = turn_ms_ <= now.mono_ms;
  while (!fresh_.empty() && sample.instances.size() < kMost) {
    const auto found = instances.find(fresh_.extract(fresh_.begin()).value());
    if (found == instances.end() || !is_measurable(found->second)) continue;
    // In a turn all without a cgroup are there anyway.
    if (!is_turn_ || !found->second.cgroup.empty()) sample.instances.push_back(found->first);
  }
  if (is_turn_) add_turn(instances, sample);
  return sample;
}

// Those behind the last one, around to it again.
void SampleTurns::add_turn(const Instances& instances, TakeSample& sample) {
  const std::set<std::string> fresh(sample.instances.begin(), sample.instances.end());
  std::size_t turns = fresh.size();
  std::string last = last_;
  const auto add = [&](const Instances::value_type& entry) {
    const bool has_cgroup = !entry.second.cgroup.empty();
    if (!is_measurable(entry.second) || fresh.contains(entry.first)) return;
    if (has_cgroup && turns >= kMost) return;
    sample.instances.push_back(entry.first);
    if (!has_cgroup) return;
    ++turns;
    last = entry.first;
  };
  const auto middle = instances.upper_bound(last_);
  std::for_each(middle, instances.end(), add);
  std::for_each(instances.begin(), middle, add);
  last_ = std::move(last);
}

void SampleTurns::taken(std::int64_t took_ms, std::int64_t beat_ms, Now now) {
  is_under_way_ = false;
  fresh_ms_ = fresh_.empty() ? kNever : now.mono_ms + kSoonMs;
  if (!is_turn_) return;
  turn_ms_ = now.mono_ms + std::max(beat_ms, std::min(kShare * took_ms, kLongestMs));
}

}  // namespace dm::worker
