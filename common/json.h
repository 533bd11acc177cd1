// common/json.h - writes JSON objects (RFC 8259), one to a line. Pure: never reads JSON, and never
// writes what a JSON reader or a terminal would stumble over.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace dm {

// `text` as a JSON string with its quotes, valid for any bytes: a byte that is no UTF-8 becomes
// U+FFFD; control characters (C1 and DEL too) and bidirectional controls are written \uHHHH, so
// that a listing shown on a terminal cannot drive it and still reads back unchanged.
std::string json_string(std::string_view text);

// One flat object. Keys are ours (snake_case), each added once; order is kept.
class JsonObject {
 public:
  JsonObject& add(std::string_view key, std::string_view value);
  JsonObject& add_number(std::string_view key, std::int64_t value);
  // With `digits` (0 to 17) digits after the point; null for an infinity or NaN, which JSON lacks.
  JsonObject& add_decimal(std::string_view key, double value, int digits);
  JsonObject& add_bool(std::string_view key, bool value);
  JsonObject& add_null(std::string_view key);
  JsonObject& add_list(std::string_view key, const std::vector<std::string>& values);

  // A text, bool or integer that may be absent, which is null.
  template <typename T>
  JsonObject& add(std::string_view key, const std::optional<T>& value) {
    if (!value) return add_null(key);
    if constexpr (std::is_same_v<T, bool>) {
      return add_bool(key, *value);
    } else if constexpr (std::integral<T>) {
      return add_number(key, static_cast<std::int64_t>(*value));
    } else {
      return add(key, std::string_view(*value));
    }
  }
  JsonObject& add_decimal(std::string_view key, std::optional<double> value, int digits) {
    return value ? add_decimal(key, *value, digits) : add_null(key);
  }

  // A bare number or bool names its kind; without this a literal 0 would be a null pointer.
  JsonObject& add(std::string_view key, std::integral auto value) = delete;

  // The object on one line, without a newline: {"a":1,"b":"x"}.
  std::string print() const { return "{" + members_ + "}"; }

 private:
  JsonObject& member(std::string_view key, std::string_view json);

  std::string members_;
};

}  // namespace dm
