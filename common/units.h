// common/units.h - durations, sizes, rates and times of day as people write and read them. Pure:
// never reads a clock, never asks for a locale or a time zone; all times are UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"

namespace dm {

inline constexpr std::int64_t kMaxDurationMs = 3650LL * 24 * 60 * 60 * 1000;  // ten years

// "500ms", "10s", "5m", "1h", "2d", larger units before smaller ones "1h30m"; a bare number is in
// seconds. Decimals are allowed ("0.5s", at most six digits; what is below 1 ms is cut). Without a
// sign or blanks.
// Result: milliseconds, 0 to kMaxDurationMs. Errors: bad-arg, with the text and the forms that go.
Result<std::int64_t> parse_duration_ms(std::string_view text);

// At most two neighbouring units, cut and not rounded: "0s", "59s", "4m10s", "3h5m", "2d4h", "2d".
// Below one second, and for a negative duration (a clock was set back), "0s".
std::string print_duration(std::int64_t ms);

// "100", "100B", "64K", "64KiB", "10M", "1.5G", "2T": powers of 1024, either case of the first
// letter, one space before the unit allowed. "KB" and the like are refused, for they mean 1000 to
// some. At most six decimals; what is below one byte is cut.
// Result: bytes, not negative. Errors: bad-arg.
Result<std::int64_t> parse_bytes(std::string_view text);

// Powers of 1024, rounded; one decimal below 100 unless it is 0: "512 B", "1.5 KiB", "10 MiB".
std::string print_bytes(std::int64_t bytes);
// The same for narrow columns: "512B", "1.5K", "10M".
std::string print_bytes_short(std::int64_t bytes);
// Bytes per second: "1.5 MiB/s"; "-" where no time has passed. Negative bytes count as 0.
std::string print_rate(std::int64_t bytes, std::int64_t elapsed_ms);

// RFC 3339 in UTC with milliseconds: "2026-01-02T03:04:05.678Z". `wall_ms` is since 1970-01-01, may
// be negative, and is brought into the years 0000 to 9999, which is all that RFC 3339 can write.
std::string print_time_utc(std::int64_t wall_ms);

// What print_time_utc() writes, with any number of decimals or none (what is below 1 ms is cut);
// "t" and "z" may be small. nullopt for anything else: other offsets, days that do not exist, leap
// seconds (POSIX time has none).
std::optional<std::int64_t> parse_time_utc(std::string_view text);

}  // namespace dm
