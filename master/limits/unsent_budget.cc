#include "master/limits/unsent_budget.h"

#include <algorithm>

namespace dm::master {

std::vector<GuestId> UnsentBudget::recount(std::vector<Held> held) {
  at_most_ = 0;
  for (const Held& one : held) at_most_ += one.bytes;
  std::sort(held.begin(), held.end(),
            [](const Held& a, const Held& b) { return a.bytes > b.bytes; });
  std::vector<GuestId> out;
  for (const Held& one : held) {
    if (at_most_ <= most_) break;
    out.push_back(one.guest);
    at_most_ -= one.bytes;
  }
  return out;
}

}  // namespace dm::master
