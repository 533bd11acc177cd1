#include "master/limits/turns.h"

namespace dm::master {

bool Turns::enter(GuestId guest, const std::string& owner) {
  if (under_way_.enter(guest, owner)) return true;
  waiting_.emplace_back(guest, owner);
  return false;
}

std::vector<GuestId> Turns::leave(GuestId guest) {
  under_way_.leave(guest);
  std::vector<GuestId> next;
  std::erase_if(waiting_, [&](const auto& one) {
    if (!under_way_.enter(one.first, one.second)) return false;
    next.push_back(one.first);
    return true;
  });
  return next;
}

}  // namespace dm::master
