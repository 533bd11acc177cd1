// master/io/denials.h - keys that were not accepted: the peer hears the same whatever was wrong,
// the master's log and events say what it was.
#pragma once

#include "common/io/door.h"
#include "master/io/hub.h"
#include "master/limits/rate_limit.h"

namespace dm::master {

class Denials {
 public:
  Denials(Hub& hub, KeyKind kind) : hub_(hub), kind_(kind) {}

  // The answer to that HELLO. What was wrong is found out when it has gone out: how long that takes
  // says nothing.
  Door::Refusal deny(const Door::Guest& guest, const Line& hello);

 private:
  void tell(const Door::Guest& guest, const Line& hello);

  Hub& hub_;
  KeyKind kind_;
  RateLimit thorough_{10, 10'000};  // looks for whose key it is
};

}  // namespace dm::master
