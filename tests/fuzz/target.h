// tests/fuzz/target.h - a fuzz target: a function of any bytes that CHECKs (tests/unit/check.h)
// what must hold for all of them. A CHECK that fails ends the program, as a crash does.
//
//   TARGET(codec) {            // in codec.cc: the file and the corpus have the target's name
//     const auto line = parse_line(input);
//     ...
//
// The drivers: replay.cc (any compiler, CTest) and libfuzzer.cc (clang, scripts/fuzz).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/check.h"

namespace dm::fuzz {

struct Target {
  const char* name;
  void (*run)(std::string_view input);
  Target* next;
};

// Links a target into the list of this program. Returns true, so that a static can hold it.
bool add(Target* target);
// The target of that name; with an empty one the only one. nullptr: none.
const Target* find(std::string_view name);

// The rows of a text, without their newlines; what stands behind the last newline is one too.
std::vector<std::string_view> rows_of(std::string_view text);
// Cuts off the text up to the separator, which vanishes.
std::string_view take_until(std::string_view& text, char separator);

// Choices that depend on the input alone, so that a crash can be run again, and that leave the
// input itself plain text.
class Dice {
 public:
  explicit Dice(std::string_view input);
  std::size_t below(std::size_t limit);  // REQUIRES limit > 0

 private:
  std::uint64_t state_;
};

// The text in pieces of random sizes.
std::vector<std::string_view> pieces_of(std::string_view text, Dice& dice, std::size_t longest);

}  // namespace dm::fuzz

#define TARGET(name)                                                               \
  static void name(std::string_view input);                                        \
  static dm::fuzz::Target name##_target{#name, &name, nullptr};                    \
  [[maybe_unused]] static const bool name##_added = dm::fuzz::add(&name##_target); \
  static void name(std::string_view input)
