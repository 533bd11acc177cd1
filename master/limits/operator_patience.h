// master/limits/operator_patience.h - how long an operator's connection may keep still before it
// has to go. Pure: told what there is to see of it and the time.
#pragma once

#include <cstdint>
#include <optional>

namespace dm::master {

class OperatorPatience {
 public:
  // Over TCP less than the kernel's own patience with a closed window (TCP_USER_TIMEOUT, 10 s).
  static constexpr std::int64_t kDeafMs = 5000, kDeafLocallyMs = 30'000;
  static constexpr std::int64_t kIdleMs = 300'000;

  struct Sight {
    bool is_tcp = false;
    bool is_served = false;   // a request of its is under way, or a body
    bool has_unsent = false;  // answers that it does not take
    bool has_unread = false;  // requests that are not taken up before it does
    std::uint64_t moved = 0;  // bytes, both ways, so far
  };
  enum class Verdict { kStays, kDeaf, kIdle };

  explicit OperatorPatience(std::int64_t now_ms = 0) : since_(now_ms) {}

  // kDeaf: it asks for more and has taken nothing for that long. Who only reads slowly, in a pager
  // perhaps, stays. kIdle: over TCP, it wants nothing and has not for kIdleMs.
  Verdict look(const Sight& sight, std::int64_t now_ms);

 private:
  std::int64_t since_;
  std::uint64_t moved_ = 0;
};

}  // namespace dm::master
