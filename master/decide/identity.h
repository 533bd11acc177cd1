// master/decide/identity.h - which worker a newcomer is: by its id, never by its name alone. Pure.
#pragma once

#include <optional>
#include <string>

#include "common/clock.h"
#include "common/result.h"
#include "master/decide/facts.h"

namespace dm::master {

// What a HELLO says and has proved.
struct WorkerClaim {
  std::string name, id, boot;
  bool has_key = false;        // it has proved a key of that name; false with --insecure
  bool is_identified = false;  // and the secret that is known of that id
};

struct Introduction {
  // Why it is not let in. Errors: bad-arg, denied, exists.
  std::optional<Error> error = std::nullopt;
  // What the same worker was called before; empty: it has no other name.
  std::string former = {};
  // Its secret is not known yet, and is to be asked for.
  bool enrolls = false;
};

// - One id is one worker. With keys it proves its id by the secret that it was enrolled with;
//   without keys the id alone decides.
// - The same worker under another name is renamed, if that name is free and it has proved itself.
// - While a worker is here, another machine with its id is refused.
Introduction introduce(const Facts& facts, const WorkerClaim& claim, Now now,
                       std::int64_t heartbeat_ms);

// Why an operator may not call worker `from` by the name `to`; nullopt if he may. Errors:
// not-found, bad-arg, exists, busy.
std::optional<Error> refuses_name(const Facts& facts, const std::string& from,
                                  const std::string& to);

}  // namespace dm::master
