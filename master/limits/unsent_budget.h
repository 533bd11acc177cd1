// master/limits/unsent_budget.h - how much may wait for slow readers, all of them together. Pure:
// told what is queued, never touches a connection.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "common/admission.h"

namespace dm::master {

class UnsentBudget {
 public:
  explicit UnsentBudget(std::size_t most) : most_(most) {}

  // So many bytes more were queued for somebody. True: together it may be too much, and recount()
  // is to be called. What was sent meanwhile shows only there.
  [[nodiscard]] bool add(std::size_t bytes) { return (at_most_ += bytes) > most_; }

  struct Held {
    GuestId guest = 0;
    std::size_t bytes = 0;
  };
  // What waits for each. Returns who has to go, so that the rest fits: those who hold most.
  std::vector<GuestId> recount(std::vector<Held> held);

 private:
  std::size_t most_;
  std::size_t at_most_ = 0;  // no more than this waits
};

}  // namespace dm::master
