// master/limits/operator_places.h - how many connections of operators may stay, and against whom
// each counts. Pure: never touches a connection.
//
// Each entrance has places of its own: whoever crowds one takes none of another's.
#pragma once

#include <array>
#include <string>

#include "common/admission.h"

namespace dm::master {

enum class Entrance {
  kTcp,
  kGroups,  // the Unix socket, for those whom a group lets in, and for strangers
  kOwners,  // the Unix socket, for the master's own user and root
};
inline constexpr std::size_t kEntrances = 3;

class OperatorPlaces {
 public:
  static constexpr std::size_t kPerHost = 256, kInAll = 1024;  // of each entrance
  static constexpr std::size_t kPerKey = 64;                   // from wherever it is used

  // The guest stays. False, and nothing changes, if there are enough at that entrance, of that
  // address or user (`host`), or by that key: who has proved one is not counted by address. No key:
  // empty.
  [[nodiscard]] bool enter(GuestId guest, Entrance entrance, const std::string& host,
                           const std::string& key = {});
  void leave(GuestId guest);  // one that is not here is no error

 private:
  struct Places : Quota {
    Places() : Quota(kPerHost, kInAll) {}
  };
  Places& at(Entrance entrance) { return entrances_[static_cast<std::size_t>(entrance)]; }

  std::array<Places, kEntrances> entrances_;
  Quota keys_{kPerKey, kInAll};
};

}  // namespace dm::master
