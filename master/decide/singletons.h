// master/decide/singletons.h - at most one instance of a singleton's app lives: why another one may
// not begin now. Pure.
#pragma once

#include <optional>
#include <string>

#include <vector>
#include "common/result.h"
#include "master/decide/facts.h"

namespace dm::master {

// Why nothing of the app but `but` may begin now; nullopt if it may. `lease_ms`: of the one that
// would begin; 0: it is no singleton. Errors: exists, busy.
std::optional<Error> held_by_other(const Facts& facts, const std::string& app,
                                   const std::string& but, std::int64_t lease_ms, Now now);
// Those that held_by_other() lets pass since they have finished: no policy may begin them again,
// whatever becomes of their workers' records.
std::vector<std::string> finished_beside(const Facts& facts, const std::string& app,
                                         const std::string& but, std::int64_t lease_ms);

// A launch that is tried again begins beside no other of its app, if one of them is a singleton.
// REQUIRES that the instance is recorded.
bool stands_back(const Facts& facts, const std::string& name, Now now);

// A replacement begins when the instance that it replaces has ended, or cannot be asked and its
// lease has run out. "until the lease of web.1 ends, in 3s"; nullopt: it need not wait.
std::optional<std::string> waits_for(const Facts& facts, const std::string& name, Now now);

}  // namespace dm::master
