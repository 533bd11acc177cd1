// master/limits/turns.h - whose slow work may be done now, if many want some: each owner may have
// so much under way, and all together so much. Pure: does none of it.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "common/admission.h"

namespace dm::master {

class Turns {
 public:
  Turns(std::size_t per_owner, std::size_t in_all) : under_way_(per_owner, in_all) {}

  // True: it is the guest's turn, until he leaves. False: he waits, and leave() names him.
  [[nodiscard]] bool enter(GuestId guest, const std::string& owner);
  // The guest's turn is over. Returns whose turn it is now, the first who came first; who has
  // enough under way keeps nobody behind him waiting.
  std::vector<GuestId> leave(GuestId guest);

 private:
  Quota under_way_;
  std::deque<std::pair<GuestId, std::string>> waiting_;
};

}  // namespace dm::master
