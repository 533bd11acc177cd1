// worker/core/app_place.h - which of several users an app runs as. Pure.
#pragma once

#include <cstddef>
#include <string_view>

#include "common/crc32c.h"

namespace dm::worker {

// One of 0 .. count-1, by the app's name alone: whoever asks, and whenever, gets the same one, so
// that an app finds its files again. REQUIRES count > 0.
inline std::size_t place_of_app(std::string_view app, std::size_t count) {
  return crc32c(app) % count;
}

}  // namespace dm::worker
