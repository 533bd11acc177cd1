// common/clock.h - the time as the pure code sees it. Never reads a clock.
#pragma once

#include <cstdint>

namespace dm {

// Two readings of one moment. Deadlines and ages use the first, which never jumps; what people
// read and what is stored uses the second.
struct Now {
  std::int64_t mono_ms = 0;  // CLOCK_BOOTTIME, milliseconds
  std::int64_t wall_ms = 0;  // CLOCK_REALTIME, milliseconds since 1970-01-01 UTC
};

}  // namespace dm
