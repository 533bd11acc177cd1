// tests/sim/timeline.h - virtual time, the one source of chance, and the first promise that was
// broken. Never reads a clock: what happens depends on the seed alone.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "common/random.h"

namespace dm::sim {

inline constexpr std::int64_t kMs = 1000;  // microseconds, the unit of the timeline
inline constexpr std::int64_t kSecond = 1000 * kMs;

class Timeline {
 public:
  using Task = std::function<void()>;

  Timeline(std::uint64_t seed, bool tracing) : random_(seed), tracing_(tracing) {}

  std::int64_t now() const { return now_; }
  void after(std::int64_t delay, Task task) {
    tasks_.push({now_ + delay, next_++, std::move(task)});
  }
  // Performs the earliest task. False if there is none, or if a promise is broken.
  bool step();

  // Evenly in [0, n); 0 for n <= 1.
  std::int64_t below(std::int64_t n) {
    return n <= 1 ? 0 : static_cast<std::int64_t>(random_.next() % static_cast<std::uint64_t>(n));
  }
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + below(most - least + 1);
  }
  bool chance(double probability) { return random_.unit() < probability; }
  // Mostly short, now and then long: `typical` or up to twenty times that.
  std::int64_t delay(std::int64_t typical) {
    return chance(0.05) ? below(20 * typical) : below(typical);
  }

  bool is_tracing() const { return tracing_; }
  void trace(const std::string& text) const;
  // The first one counts; the run ends with it.
  void broken(const std::string& text);
  const std::optional<std::string>& failure() const { return failure_; }
  std::int64_t steps() const { return steps_; }

 private:
  struct Entry {
    std::int64_t at = 0;
    std::uint64_t order = 0;
    Task task;
    bool operator<(const Entry& other) const {
      return std::pair(at, order) > std::pair(other.at, other.order);
    }
  };
  Random random_;
  bool tracing_;
  std::priority_queue<Entry> tasks_;
  std::int64_t now_ = 0;
  std::uint64_t next_ = 0;
  std::int64_t steps_ = 0, steps_at_now_ = 0;
  std::optional<std::string> failure_;
};

// Something that can die: what it had planned dies with it.
class Mortal {
 public:
  explicit Mortal(Timeline& timeline) : timeline_(timeline) {}
  void later(std::int64_t delay, Timeline::Task task) {
    timeline_.after(delay, [this, life = life_, task = std::move(task)] {
      if (life == life_) task();
    });
  }
  void die() { ++life_; }
  std::uint64_t life() const { return life_; }
  Timeline& timeline() { return timeline_; }

 private:
  Timeline& timeline_;
  std::uint64_t life_ = 0;
};

}  // namespace dm::sim

// Holds in release builds too.
#define SIM_CHECK(timeline, condition, words)   \
  do {                                          \
    if (!(condition)) (timeline).broken(words); \
  } while (0)
