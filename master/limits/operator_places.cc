#include "master/limits/operator_places.h"

namespace dm::master {

std::optional<GuestId> OperatorPlaces::wait(GuestId guest, Door door, const std::string& host) {
  return at(door).waiting.enter(guest, host);
}

bool OperatorPlaces::enter(GuestId guest, Door door, const std::string& host,
                           const std::string& key) {
  if (!key.empty() && !keys_.enter(guest, key)) return false;
  if (!at(door).in.enter(guest, host)) {
    keys_.leave(guest);
    return false;
  }
  at(door).waiting.leave(guest);
  return true;
}

void OperatorPlaces::leave(GuestId guest) {
  keys_.leave(guest);
  for (Places& places : doors_) {
    places.waiting.leave(guest);
    places.in.leave(guest);
  }
}

}  // namespace dm::master
