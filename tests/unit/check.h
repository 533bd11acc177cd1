// tests/unit/check.h - the whole test framework: TEST registers, CHECK counts and prints.
#pragma once

#include <cstdio>
#include <initializer_list>
#include <sstream>
#include <string>
#include <string_view>

namespace dm::test {

struct Case {
  const char* file;
  const char* name;
  void (*body)();
  Case* next;
};

// Links a case into the list that main() walks. Returns true, so that a static can hold it.
bool add(Case* test_case);
void failed(const char* file, int line, const std::string& what);

// Empty if each of the parts stands in the text, and begins behind where the one before it begins
// first; else what is wrong.
std::string order_fault(std::string_view text, std::initializer_list<std::string_view> parts);

template <typename T>
std::string show(const T& value) {
  if constexpr (requires(std::ostringstream & out) { out << value; }) {
    std::ostringstream out;
    out << value;
    return out.str();
  } else {
    return "(not printable)";
  }
}

}  // namespace dm::test

#define DM_CONCAT2(a, b) a##b
#define DM_CONCAT(a, b) DM_CONCAT2(a, b)
#define TEST(name)                                                               \
  static void name();                                                            \
  static dm::test::Case DM_CONCAT(name, _case){__FILE__, #name, &name, nullptr}; \
  [[maybe_unused]] static const bool DM_CONCAT(name, _added) =                   \
      dm::test::add(&DM_CONCAT(name, _case));                                    \
  static void name()

#define CHECK(condition)                                                             \
  do {                                                                               \
    if (!(condition)) dm::test::failed(__FILE__, __LINE__, "CHECK(" #condition ")"); \
  } while (false)

#define CHECK_EQ(actual, expected)                                                         \
  do {                                                                                     \
    const auto dm_actual = (actual);                                                       \
    const auto dm_expected = (expected);                                                   \
    if (!(dm_actual == dm_expected))                                                       \
      dm::test::failed(__FILE__, __LINE__,                                                 \
                       #actual " is\n    " + dm::test::show(dm_actual) + "\n  not\n    " + \
                           dm::test::show(dm_expected));                                   \
  } while (false)

// Each of the parts stands in the text, in this order: CHECK_ORDER(text, "append RUN", "spawn").
#define CHECK_ORDER(text, ...)                                             \
  do {                                                                     \
    const auto dm_fault = dm::test::order_fault((text), {__VA_ARGS__});    \
    if (!dm_fault.empty()) dm::test::failed(__FILE__, __LINE__, dm_fault); \
  } while (false)

// Leaves the test where going on would be undefined.
#define REQUIRE(condition)                                             \
  do {                                                                 \
    if (!(condition)) {                                                \
      dm::test::failed(__FILE__, __LINE__, "REQUIRE(" #condition ")"); \
      return;                                                          \
    }                                                                  \
  } while (false)
