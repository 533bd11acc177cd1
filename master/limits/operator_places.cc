#include "master/limits/operator_places.h"

namespace dm::master {

bool OperatorPlaces::enter(GuestId guest, Entrance entrance, const std::string& host,
                           const std::string& key) {
  if (!key.empty() && !keys_.enter(guest, key)) return false;
  if (at(entrance).enter(guest, key.empty() ? host : "key " + key)) return true;
  keys_.leave(guest);
  return false;
}

void OperatorPlaces::leave(GuestId guest) {
  keys_.leave(guest);
  for (Places& places : entrances_) places.leave(guest);
}

}  // namespace dm::master
