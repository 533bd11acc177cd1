// master/observed/ids.h - numbers that name connections and commands while they last. Pure data.
#pragma once

#include <cstdint>

namespace dm::master {

using SessionId = std::uint64_t;  // one worker connection; 0: none
using RequestId = std::uint64_t;  // one command of an operator; 0: none

}  // namespace dm::master
