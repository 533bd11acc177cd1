#include "master/client/progress.h"

#include <algorithm>

#include "common/escape.h"
#include "common/units.h"

namespace dm {
namespace {

constexpr std::size_t kLeastBar = 10;
constexpr std::size_t kMostBar = 40;

}  // namespace

std::string progress_bar(const std::string& what, std::int64_t done, std::int64_t total,
                         std::int64_t elapsed_ms, unsigned columns) {
  std::string head = escape_for_terminal(what) + "  ";
  std::string tail = "  " + print_rate(done, elapsed_ms);
  if (total <= 0) return (head + print_bytes(done) + tail).substr(0, columns);
  done = std::clamp<std::int64_t>(done, 0, total);
  const auto percent =
      static_cast<std::int64_t>(100.0 * static_cast<double>(done) / static_cast<double>(total));
  tail = "  " + std::to_string(percent) + "%" + tail;
  if (done > 0 && done < total) {
    // A time that nobody lives to see stands for all longer ones.
    constexpr double kMostLeftMs = 1e15;
    const double left =
        std::min(kMostLeftMs, static_cast<double>(elapsed_ms) *
                                  (static_cast<double>(total) / static_cast<double>(done) - 1));
    tail += "  " + print_duration(static_cast<std::int64_t>(left)) + " left";
  }
  const std::size_t used = head.size() + tail.size() + 2;
  if (columns < used + kLeastBar) return (head + tail.substr(2)).substr(0, columns);
  const std::size_t width = std::min(columns - used, kMostBar);
  const std::size_t filled = width * static_cast<std::size_t>(percent) / 100;
  std::string bar(filled, '=');
  if (filled < width) bar += '>';
  bar.resize(width, ' ');
  return head + "[" + bar + "]" + tail;
}

}  // namespace dm
