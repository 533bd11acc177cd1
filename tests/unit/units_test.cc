#include "common/units.h"

#include <cstdio>
#include <limits>

#include "tests/unit/check.h"

using namespace dm;

namespace {

constexpr std::int64_t kBad = -1;

std::int64_t duration(std::string_view text) {
  const auto ms = parse_duration_ms(text);
  return ms ? *ms : kBad;
}
std::int64_t bytes(std::string_view text) {
  const auto size = parse_bytes(text);
  return size ? *size : kBad;
}
std::int64_t time_of(std::string_view text) {
  return parse_time_utc(text).value_or(std::numeric_limits<std::int64_t>::min());
}

constexpr std::int64_t kDayMs = 86400000;
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

}  // namespace

TEST(units_read_durations) {
  CHECK_EQ(duration("500ms"), 500);
  CHECK_EQ(duration("10s"), 10000);
  CHECK_EQ(duration("5m"), 300000);
  CHECK_EQ(duration("1h"), 3600000);
  CHECK_EQ(duration("2d"), 2 * kDayMs);
  CHECK_EQ(duration("10"), 10000);
  CHECK_EQ(duration("0"), 0);
  CHECK_EQ(duration("007s"), 7000);
  CHECK_EQ(duration("0.5s"), 500);
  CHECK_EQ(duration("1.25"), 1250);
  CHECK_EQ(duration("0.0019s"), 1);
  CHECK_EQ(duration("1.5d"), 129600000);
  CHECK_EQ(duration("1h30m"), 5400000);
  CHECK_EQ(duration("1d2h3m4s5ms"), kDayMs + 2 * 3600000 + 3 * 60000 + 4005);
}

TEST(units_refuse_bad_durations) {
  for (std::string_view bad : {"",     "s",    "-1s",        "+1s",  "1 s", " 1s",   "1s ",
                               "1.s",  ".5s",  "1.2.3s",     "1x",   "1S",  "1h30",  "30m1h",
                               "1s1s", "1e3s", "0.1234567s", "1,5s", "ms",  "0x10s", "\xD9\xA1s"})
    CHECK_EQ(duration(bad), kBad);
  CHECK(parse_duration_ms("x\n").error().code == Code::kBadArg);
  CHECK_EQ(parse_duration_ms("x\n").error().message,
           "bad duration x\\x0A (500ms, 10s, 5m, 1h30m, 2d; up to 3650d)");
}

TEST(units_durations_end_at_ten_years) {
  CHECK_EQ(duration("3650d"), kMaxDurationMs);
  CHECK_EQ(duration("315360000000ms"), kMaxDurationMs);
  for (std::string_view bad :
       {"3650.1d", "3651d", "3650d1ms", "315360000001ms", "9223372036854775807d",
        "9223372036854775808ms", "99999999999999999999999999s", "3650d0.001s"})
    CHECK_EQ(duration(bad), kBad);
}

TEST(units_print_durations) {
  CHECK_EQ(print_duration(0), "0s");
  CHECK_EQ(print_duration(999), "0s");
  CHECK_EQ(print_duration(3999), "3s");
  CHECK_EQ(print_duration(60000), "1m");
  CHECK_EQ(print_duration(250000), "4m10s");
  CHECK_EQ(print_duration(3 * 3600000 + 5 * 60000 + 59999), "3h5m");
  CHECK_EQ(print_duration(3 * 3600000 + 59999), "3h");
  CHECK_EQ(print_duration(2 * kDayMs + 4 * 3600000 + 1), "2d4h");
  CHECK_EQ(print_duration(2 * kDayMs + 59 * 60000), "2d");
  CHECK_EQ(print_duration(400 * kDayMs), "400d");
  CHECK_EQ(print_duration(-5000), "0s");
  CHECK_EQ(print_duration(kLeast), "0s");
  CHECK_EQ(print_duration(kMost), "106751991167d7h");
  for (std::int64_t ms : {1000LL, 59000LL, 61000LL, 3660000LL, 90000000LL})
    CHECK_EQ(duration(print_duration(ms)), ms);
}

TEST(units_read_sizes) {
  CHECK_EQ(bytes("100"), 100);
  CHECK_EQ(bytes("100B"), 100);
  CHECK_EQ(bytes("64K"), 65536);
  CHECK_EQ(bytes("64k"), 65536);
  CHECK_EQ(bytes("10M"), 10485760);
  CHECK_EQ(bytes("10Mi"), 10485760);
  CHECK_EQ(bytes("10MiB"), 10485760);
  CHECK_EQ(bytes("10 MiB"), 10485760);
  CHECK_EQ(bytes("1.5G"), 1610612736);
  CHECK_EQ(bytes("0.000001T"), 1099511);
  CHECK_EQ(bytes("8388607T"), 8388607LL << 40);
  CHECK_EQ(bytes("9223372036854775799"), 9223372036854775799);
}

TEST(units_refuse_bad_sizes) {
  for (std::string_view bad :
       {"", "K", "-1", "1 ", " 1", "10  M", "10MB", "10KB", "10X", "1.M", "1.0000001K", "1M1K",
        "8388608T", "16777217T", "8388607.9999999T", "99999999999999999999", "1KIB"})
    CHECK_EQ(bytes(bad), kBad);
  CHECK(parse_bytes("10MB").error().code == Code::kBadArg);
}

TEST(units_print_sizes) {
  CHECK_EQ(print_bytes(0), "0 B");
  CHECK_EQ(print_bytes(512), "512 B");
  CHECK_EQ(print_bytes(1023), "1023 B");
  CHECK_EQ(print_bytes(1024), "1 KiB");
  CHECK_EQ(print_bytes(1536), "1.5 KiB");
  CHECK_EQ(print_bytes(10 << 20), "10 MiB");
  CHECK_EQ(print_bytes((10 << 20) + (1 << 19)), "10.5 MiB");
  CHECK_EQ(print_bytes((99 << 10) + 972), "99.9 KiB");
  CHECK_EQ(print_bytes((99 << 10) + 973), "100 KiB");
  CHECK_EQ(print_bytes((100 << 10) + 511), "100 KiB");
  CHECK_EQ(print_bytes((100 << 10) + 512), "101 KiB");
  CHECK_EQ(print_bytes((1 << 20) - 513), "1023 KiB");
  CHECK_EQ(print_bytes((1 << 20) - 512), "1 MiB");
  CHECK_EQ(print_bytes((1LL << 60) - 1), "1 EiB");
  CHECK_EQ(print_bytes(kMost), "8 EiB");
  CHECK_EQ(print_bytes(-1536), "-1.5 KiB");
  CHECK_EQ(print_bytes(kLeast), "-8 EiB");
  CHECK_EQ(print_bytes_short(512), "512B");
  CHECK_EQ(print_bytes_short(3 << 19), "1.5M");
  CHECK_EQ(print_bytes_short(1023LL << 30), "1023G");
}

TEST(units_print_rates) {
  CHECK_EQ(print_rate(3 << 20, 2000), "1.5 MiB/s");
  CHECK_EQ(print_rate(100, 1), "97.7 KiB/s");
  CHECK_EQ(print_rate(0, 1000), "0 B/s");
  CHECK_EQ(print_rate(5, 0), "-");
  CHECK_EQ(print_rate(5, -1), "-");
  CHECK_EQ(print_rate(-5, 1), "0 B/s");
  CHECK_EQ(print_rate(kMost, 1), "8 EiB/s");
  CHECK_EQ(print_rate(kMost, 1000), "8 EiB/s");
  CHECK_EQ(print_rate(kMost, kMost), "1000 B/s");
}

// Known instants: the epoch, RFC 3339's first example, 2^31 and a billion seconds, leap days.
TEST(units_print_and_read_times) {
  struct Known {
    std::int64_t ms;
    std::string_view text;
  };
  constexpr Known kKnown[] = {
      {0, "1970-01-01T00:00:00.000Z"},
      {-1, "1969-12-31T23:59:59.999Z"},
      {482196050520, "1985-04-12T23:20:50.520Z"},
      {1000000000000, "2001-09-09T01:46:40.000Z"},
      {951782400000, "2000-02-29T00:00:00.000Z"},
      {2147483648000, "2038-01-19T03:14:08.000Z"},
      {4107542400000, "2100-03-01T00:00:00.000Z"},
      {-2203891200000, "1900-03-01T00:00:00.000Z"},
      {1767323045678, "2026-01-02T03:04:05.678Z"},
      {253402300799999, "9999-12-31T23:59:59.999Z"},
      {-62167219200000, "0000-01-01T00:00:00.000Z"},
  };
  for (const Known& known : kKnown) {
    CHECK_EQ(print_time_utc(known.ms), std::string(known.text));
    CHECK_EQ(time_of(known.text), known.ms);
  }
  CHECK_EQ(print_time_utc(kMost), "9999-12-31T23:59:59.999Z");
  CHECK_EQ(print_time_utc(kLeast), "0000-01-01T00:00:00.000Z");
}

// Counted by hand, a day at a time, against the arithmetic.
TEST(units_every_day_of_ten_thousand_years) {
  constexpr int kLengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  std::int64_t ms = -62167219200000;
  for (int year = 0; year <= 9999; ++year) {
    const bool leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
    for (int month = 1; month <= 12; ++month) {
      const int days = kLengths[month - 1] + (leap && month == 2 ? 1 : 0);
      for (int day = 1; day <= days; ++day, ms += kDayMs) {
        char text[80];
        std::snprintf(text, sizeof text, "%04d-%02d-%02dT23:59:59.001Z", year, month, day);
        CHECK(print_time_utc(ms + kDayMs - 999) == text);
        CHECK(time_of(text) == ms + kDayMs - 999);
      }
      char past[80];
      std::snprintf(past, sizeof past, "%04d-%02d-%02dT00:00:00Z", year, month, days + 1);
      CHECK(!parse_time_utc(past));
    }
  }
}

TEST(units_read_other_forms_of_times) {
  CHECK_EQ(time_of("1970-01-01T00:00:01Z"), 1000);
  CHECK_EQ(time_of("1970-01-01t00:00:01z"), 1000);
  CHECK_EQ(time_of("1970-01-01T00:00:00.5Z"), 500);
  CHECK_EQ(time_of("1970-01-01T00:00:00.05Z"), 50);
  CHECK_EQ(time_of("1970-01-01T00:00:00.1239999999999999999999999Z"), 123);
}

TEST(units_refuse_bad_times) {
  for (std::string_view bad : {"",
                               "Z",
                               "1970-01-01",
                               "1970-01-01T00:00:00",
                               "1970-01-01T00:00:00.Z",
                               "1970-01-01 00:00:00Z",
                               "1970-01-01T00:00:00+00:00",
                               "1970-01-01T00:00:00ZZ",
                               "1970-01-01T00:00:00.1",
                               "1970-01-01T24:00:00Z",
                               "1970-01-01T00:60:00Z",
                               "1990-12-31T23:59:60Z",
                               "1970-00-01T00:00:00Z",
                               "1970-13-01T00:00:00Z",
                               "1970-01-00T00:00:00Z",
                               "2001-02-29T00:00:00Z",
                               "1900-02-29T00:00:00Z",
                               "1970-1-01T00:00:00Z",
                               "-970-01-01T00:00:00Z",
                               "1970-01-01T00:00:+1Z",
                               "1970-01-01T0a:00:00Z",
                               " 1970-01-01T00:00:00Z",
                               "197x-01-01T00:00:00Z"})
    CHECK(!parse_time_utc(bad));
  const std::string whole = print_time_utc(0);
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(!parse_time_utc(std::string_view(whole).substr(0, size)));
}
