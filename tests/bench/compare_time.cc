// usage: dm-bench-compare
// How long it takes to compare a 64-digit proof with one that is equal, that differs in its first
// byte, and in its last; for equal_in_constant_time() and for a loop that ends at the first
// difference, which shows that the measurement would tell. By turns, the middle of 201 rounds.
// Prints for each the three times in ns and the largest through the smallest.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "common/hmac.h"

namespace {

constexpr int kRounds = 201, kRuns = 2000;

using Compare = bool (*)(std::string_view, std::string_view);

bool equal_until_difference(std::string_view a, std::string_view b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i]) return false;
  return true;
}

double one_round(Compare compare, const std::string& given, const std::string& due) {
  // Called through memory, or the compiler would hoist the comparison out of the loop.
  Compare volatile call = compare;
  int equal = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < kRuns; ++i) equal += call(given, due);
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begun;
  return equal % kRuns == 0 ? took.count() / kRuns : -1;
}

void measure(const char* name, Compare compare) {
  const std::string due(64, 'a');
  std::array<std::string, 3> given = {due, due, due};
  given[1].front() = given[2].back() = 'b';
  std::array<std::vector<double>, 3> times;
  for (int round = 0; round < kRounds; ++round)
    for (std::size_t i = 0; i < given.size(); ++i)
      times[i].push_back(one_round(compare, given[i], due));
  std::array<double, 3> middle{};
  for (std::size_t i = 0; i < times.size(); ++i) {
    std::sort(times[i].begin(), times[i].end());
    middle[i] = times[i][kRounds / 2];
  }
  const auto [least, most] = std::minmax_element(middle.begin(), middle.end());
  std::printf("%s %.1f %.1f %.1f %.3f\n", name, middle[0], middle[1], middle[2], *most / *least);
}

}  // namespace

int main() {
  measure("constant", &dm::equal_in_constant_time);
  measure("ordinary", &equal_until_difference);
}
