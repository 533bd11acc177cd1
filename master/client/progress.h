// master/client/progress.h - the bar that shows how far a copy is. Pure: never asks a terminal.
#pragma once

#include <cstdint>
#include <string>

namespace dm {

// One row of at most `columns` columns, without control characters:
//   w1  [=========>          ]  45%  120 MiB/s  3s left
// A total of 0 shows what is done alone.
std::string progress_bar(const std::string& what, std::int64_t done, std::int64_t total,
                         std::int64_t elapsed_ms, unsigned columns);

}  // namespace dm
