#include "common/units.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <iterator>
#include <limits>

#include "common/escape.h"

namespace dm {
namespace {

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kMaxInt = std::numeric_limits<std::int64_t>::max();

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A factor by its name, in all the tables below.
struct Unit {
  std::string_view name;
  std::int64_t factor;
};

template <std::size_t N>
const Unit* find_unit(const Unit (&units)[N], std::string_view name) {
  const Unit* unit = std::find_if(std::begin(units), std::end(units),
                                  [name](const Unit& u) { return u.name == name; });
  return unit == std::end(units) ? nullptr : unit;
}

// A decimal number, kept exact: whole + fraction / denominator.
struct Decimal {
  std::int64_t whole = 0;
  std::int64_t fraction = 0;
  std::int64_t denominator = 1;
};

std::string_view take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

std::optional<std::int64_t> to_number(std::string_view digits) {
  std::int64_t value = 0;
  for (const char c : digits) {
    if (value > (kMaxInt - 9) / 10) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

// Takes a decimal from the front of `text`. With six digits a fraction times the largest factor
// (2^40) stays below 2^63.
std::optional<Decimal> take_decimal(std::string_view& text) {
  const std::string_view digits = take_digits(text);
  const auto whole = to_number(digits);
  if (digits.empty() || !whole) return std::nullopt;
  Decimal decimal{*whole, 0, 1};
  if (text.empty() || text[0] != '.') return decimal;
  text.remove_prefix(1);
  const std::string_view decimals = take_digits(text);
  if (decimals.empty() || decimals.size() > 6) return std::nullopt;
  decimal.fraction = to_number(decimals).value_or(0);
  for (std::size_t i = 0; i < decimals.size(); ++i) decimal.denominator *= 10;
  return decimal;
}

// nullopt beyond `most`.
std::optional<std::int64_t> scale(const Decimal& decimal, std::int64_t factor, std::int64_t most) {
  if (decimal.whole > most / factor) return std::nullopt;
  const std::int64_t whole = decimal.whole * factor;
  const std::int64_t rest = decimal.fraction * factor / decimal.denominator;
  if (rest > most - whole) return std::nullopt;
  return whole + rest;
}

// Largest first, in which order they must also be written.
constexpr Unit kDurations[] = {
    {"d", kDay}, {"h", kHour}, {"m", kMinute}, {"s", kSecond}, {"ms", 1},
};

std::optional<std::int64_t> read_duration(std::string_view text) {
  std::int64_t total = 0;
  std::int64_t last_factor = kMaxInt;
  do {
    const auto amount = take_decimal(text);
    if (!amount) return std::nullopt;
    const bool bare = text.empty() && last_factor == kMaxInt;
    const auto end = std::find_if(text.begin(), text.end(), is_digit);
    const std::string_view name = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    const Unit* unit = find_unit(kDurations, bare ? "s" : name);
    if (!unit || unit->factor >= last_factor) return std::nullopt;
    const auto part = scale(*amount, unit->factor, kMaxDurationMs - total);
    if (!part) return std::nullopt;
    total += *part;
    last_factor = unit->factor;
    text.remove_prefix(name.size());
  } while (!text.empty());
  return total;
}

constexpr Unit kSizes[] = {
    {"", 1},           {"B", 1},           {"K", 1LL << 10},
    {"Ki", 1LL << 10}, {"KiB", 1LL << 10}, {"M", 1LL << 20},
    {"Mi", 1LL << 20}, {"MiB", 1LL << 20}, {"G", 1LL << 30},
    {"Gi", 1LL << 30}, {"GiB", 1LL << 30}, {"T", 1LL << 40},
    {"Ti", 1LL << 40}, {"TiB", 1LL << 40},
};

std::optional<std::int64_t> read_bytes(std::string_view text) {
  const auto amount = take_decimal(text);
  if (!amount) return std::nullopt;
  if (text.size() > 1 && text[0] == ' ') text.remove_prefix(1);
  std::string name(text);
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z')
    name[0] = static_cast<char>(name[0] - 'a' + 'A');
  const Unit* unit = find_unit(kSizes, name);
  return unit ? scale(*amount, unit->factor, kMaxInt) : std::nullopt;
}

struct Rounded {
  std::string number;  // "1.5"
  std::size_t power;   // of 1024
};

// With integers alone, since a double is not exact at this size.
Rounded round_bytes(std::int64_t bytes) {
  const bool negative = bytes < 0;
  const auto bits = static_cast<std::uint64_t>(bytes);
  const std::uint64_t size = negative ? 0 - bits : bits;
  std::size_t power = 0;
  while (size >> (10 * power) >= 1024) ++power;
  const std::uint64_t unit = std::uint64_t{1} << (10 * power);
  std::uint64_t whole = size / unit;
  const std::uint64_t rest = size % unit;
  std::uint64_t tenths = (rest * 10 + unit / 2) / unit;
  if (whole >= 100) tenths = rest >= unit - unit / 2 ? 10 : 0;
  if (tenths == 10) {
    tenths = 0;
    ++whole;
  }
  if (whole == 1024) {
    whole = 1;
    ++power;
  }
  std::string number = (negative ? "-" : "") + std::to_string(whole);
  if (tenths > 0) number += "." + std::to_string(tenths);
  return {number, power};
}

struct Date {
  std::int64_t year;
  std::int64_t month;  // 1-12
  std::int64_t day;    // 1-31
};

constexpr std::int64_t kDaysBefore[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

bool is_leap(std::int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

// Days of the Gregorian calendar before 1 January of `year`, counted from 1 January 0000; `year`
// is not negative. The year 0 is a leap year.
std::int64_t days_before_year(std::int64_t year) {
  if (year == 0) return 0;
  const std::int64_t past = year - 1;
  return year * 365 + past / 4 - past / 100 + past / 400 + 1;
}

std::int64_t days_before_month(std::int64_t year, std::int64_t month) {
  return kDaysBefore[month - 1] + (month > 2 && is_leap(year) ? 1 : 0);
}

std::int64_t days_in_month(std::int64_t year, std::int64_t month) {
  const std::int64_t leap_day = month == 2 && is_leap(year) ? 1 : 0;
  return kDaysBefore[month] - kDaysBefore[month - 1] + leap_day;
}

std::int64_t days_from_civil(const Date& date) {
  return days_before_year(date.year) + days_before_month(date.year, date.month) + date.day - 1;
}

// The mean year is 365.2425 days, so that the first guess is off by one at most.
Date civil_from_days(std::int64_t days) {
  std::int64_t year = days * 400 / 146097;
  while (days_before_year(year) > days) --year;
  while (days_before_year(year + 1) <= days) ++year;
  const std::int64_t day_of_year = days - days_before_year(year);
  std::int64_t month = 12;
  while (days_before_month(year, month) > day_of_year) --month;
  return {year, month, day_of_year - days_before_month(year, month) + 1};
}

constexpr std::int64_t kEpochDay = 719528;     // 1970-01-01, in days since 0000-01-01
constexpr std::int64_t kPastTheEnd = 3652425;  // 10000-01-01, likewise

// The number at a fixed place, or -1 where a byte of it is no digit.
std::int64_t field(std::string_view text, std::size_t at, std::size_t digits) {
  const std::string_view part = text.substr(at, digits);
  if (!std::all_of(part.begin(), part.end(), is_digit)) return -1;
  return to_number(part).value_or(-1);
}

// The milliseconds of ".678" in front of "Z" or "z"; nullopt where `text` is not of this form.
std::optional<std::int64_t> read_fraction(std::string_view text) {
  std::string_view decimals;
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    decimals = take_digits(text);
    if (decimals.empty()) return std::nullopt;
  }
  if (text != "Z" && text != "z") return std::nullopt;
  std::string three(decimals);
  three.resize(3, '0');
  return to_number(three);
}

}  // namespace

Result<std::int64_t> parse_duration_ms(std::string_view text) {
  if (const auto ms = read_duration(text)) return *ms;
  return fail(Code::kBadArg,
              "bad duration " + excerpt(text) + " (500ms, 10s, 5m, 1h30m, 2d; up to 3650d)");
}

std::string print_duration(std::int64_t ms) {
  const Unit* unit = std::find_if(std::begin(kDurations), std::end(kDurations),
                                  [ms](const Unit& u) { return u.factor <= ms; });
  if (ms < kSecond) return "0s";
  std::string out = std::to_string(ms / unit->factor) + std::string(unit->name);
  const Unit& next = *(unit + 1);
  const std::int64_t rest = ms % unit->factor / next.factor;
  if (rest > 0 && next.factor >= kSecond) out += std::to_string(rest) + std::string(next.name);
  return out;
}

Result<std::int64_t> parse_bytes(std::string_view text) {
  if (const auto bytes = read_bytes(text)) return *bytes;
  return fail(Code::kBadArg, "bad size " + excerpt(text) + " (100, 64K, 10M, 1.5G, 2TiB)");
}

std::string print_bytes(std::int64_t bytes) {
  constexpr std::string_view kNames[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
  const Rounded rounded = round_bytes(bytes);
  return rounded.number + std::string(kNames[rounded.power]);
}

std::string print_bytes_short(std::int64_t bytes) {
  const Rounded rounded = round_bytes(bytes);
  return rounded.number + "BKMGTPE"[rounded.power];
}

std::string print_rate(std::int64_t bytes, std::int64_t elapsed_ms) {
  if (elapsed_ms <= 0) return "-";
  constexpr std::int64_t kMost = kMaxInt / kSecond;
  bytes = std::max<std::int64_t>(bytes, 0);
  if (bytes <= kMost) return print_bytes(bytes * kSecond / elapsed_ms) + "/s";
  return print_bytes(std::min(bytes / elapsed_ms, kMost) * kSecond) + "/s";
}

std::string print_time_utc(std::int64_t wall_ms) {
  constexpr std::int64_t kFirst = -kEpochDay * kDay;
  constexpr std::int64_t kLast = (kPastTheEnd - kEpochDay) * kDay - 1;
  const std::int64_t ms = std::clamp(wall_ms, kFirst, kLast) - kFirst;
  const Date date = civil_from_days(ms / kDay);
  const auto number = [](std::int64_t value) { return static_cast<int>(value); };
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", number(date.year),
                number(date.month), number(date.day), number(ms % kDay / kHour),
                number(ms % kHour / kMinute), number(ms % kMinute / kSecond), number(ms % kSecond));
  return text;
}

std::optional<std::int64_t> parse_time_utc(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  if (text.size() < kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool same = text[i] == kForm[i] || (kForm[i] == 'T' && text[i] == 't');
    if (kForm[i] != '0' && !same) return std::nullopt;
  }
  const Date date{field(text, 0, 4), field(text, 5, 2), field(text, 8, 2)};
  const std::int64_t hour = field(text, 11, 2);
  const std::int64_t minute = field(text, 14, 2);
  const std::int64_t second = field(text, 17, 2);
  const auto ms = read_fraction(text.substr(kForm.size()));
  if (date.year < 0 || date.month < 1 || date.month > 12 || !ms) return std::nullopt;
  if (date.day < 1 || date.day > days_in_month(date.year, date.month)) return std::nullopt;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
    return std::nullopt;
  const std::int64_t days = days_from_civil(date) - kEpochDay;
  return days * kDay + hour * kHour + minute * kMinute + second * kSecond + *ms;
}

}  // namespace dm
