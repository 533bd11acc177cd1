// common/units.h: what is printed can be read again, and means the same as far as it goes.
#include "common/units.h"

#include <algorithm>
#include <limits>

#include "common/escape.h"
#include "tests/fuzz/target.h"

using namespace dm;

namespace {

template <typename T>
void check_error(const Result<T>& result) {
  if (result) return;
  CHECK(result.error().code == Code::kBadArg);
  CHECK_EQ(escape_for_terminal(result.error().message), result.error().message);
}

// print_duration() cuts below its second unit: never more, and less by a 24th at most.
void check_duration(std::int64_t ms) {
  const auto again = parse_duration_ms(print_duration(ms));
  REQUIRE(again.has_value());
  CHECK(*again <= ms && ms - *again <= ms / 24 + 1000);
  CHECK_EQ(print_duration(*again), print_duration(ms));
}

// print_bytes() rounds to three digits or so.
void check_bytes(std::int64_t bytes) {
  for (const std::string& text : {print_bytes(bytes), print_bytes_short(bytes)}) {
    CHECK(text.size() <= 9 + 1);
    if (bytes >= std::int64_t{1023} << 40) continue;  // PiB is printed, but nobody types it
    const auto again = parse_bytes(text);
    REQUIRE(again.has_value());
    const std::int64_t off = *again > bytes ? *again - bytes : bytes - *again;
    CHECK(off <= bytes / 19);
  }
}

void check_number(std::int64_t number) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  print_duration(number);
  print_bytes(number);
  print_rate(number, number / 3);
  print_rate(kMost, number);
  const auto time = parse_time_utc(print_time_utc(number));
  REQUIRE(time.has_value());
  CHECK_EQ(print_time_utc(*time), print_time_utc(number));
  if (number >= 0) check_bytes(number);
  if (number >= 0 && number <= kMaxDurationMs) check_duration(number);
}

}  // namespace

TARGET(units) {
  const auto duration = parse_duration_ms(input);
  check_error(duration);
  if (duration) {
    CHECK(*duration >= 0 && *duration <= kMaxDurationMs);
    check_duration(*duration);
  }
  const auto bytes = parse_bytes(input);
  check_error(bytes);
  if (bytes) {
    CHECK(*bytes >= 0);
    check_bytes(*bytes);
  }
  if (const auto time = parse_time_utc(input)) {
    const auto again = parse_time_utc(print_time_utc(*time));
    REQUIRE(again.has_value());
    CHECK_EQ(*again, *time);
    CHECK_EQ(print_time_utc(*time).substr(0, 10), input.substr(0, 10));
  }
  std::int64_t number = 0;
  std::copy_n(input.data(), std::min(input.size(), sizeof number),
              reinterpret_cast<char*>(&number));
  check_number(number);
}
