// master/limits/operator_places.h - how many connections of operators may wait and stay, and
// against whom each counts. Pure: never touches a connection.
//
// Each door has places of its own: whoever crowds one takes none of another's.
#pragma once

#include <array>
#include <string>

#include "master/limits/admission.h"

namespace dm::master {

enum class Door {
  kTcp,
  kGroups,  // the Unix socket, for those whom a group lets in, and for strangers
  kOwners,  // the Unix socket, for the master's own user and root
};
inline constexpr std::size_t kDoors = 3;

class OperatorPlaces {
 public:
  static constexpr std::size_t kWaiting = 64;                  // of each door
  static constexpr std::size_t kPerHost = 256, kInAll = 1024;  // of each door
  static constexpr std::size_t kPerKey = 64;                   // from wherever it is used

  // The guest waits from now on. Returns who lost his place for it, if there was none left.
  [[nodiscard]] std::optional<GuestId> wait(GuestId guest, Door door, const std::string& host);
  // The guest stays, and waits no more. False, and nothing changes, if there are enough at that
  // door, of that address or user (`host`), or by that key; no key: empty.
  [[nodiscard]] bool enter(GuestId guest, Door door, const std::string& host,
                           const std::string& key = {});
  void leave(GuestId guest);  // one that is not here is no error

 private:
  struct Places {
    Admission waiting{kWaiting};
    Quota in{kPerHost, kInAll};
  };
  Places& at(Door door) { return doors_[static_cast<std::size_t>(door)]; }

  std::array<Places, kDoors> doors_;
  Quota keys_{kPerKey, kInAll};
};

}  // namespace dm::master
