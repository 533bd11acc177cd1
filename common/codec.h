// common/codec.h - the one kind of line that everything speaks: the worker protocol, the
// supervisor's socket, dm's requests, both journals. Pure: never touches a descriptor.
//
//   VERB key=value key=value ...\n
//
// Verb [A-Z][A-Z-]*, key [a-z][a-z0-9_-]*; a key may repeat and order is kept. In values bytes
// <= 0x20, '%' and 0x7f are written %HH (upper-case hex digits; either case is read).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.h"

namespace dm {

inline constexpr std::size_t kMaxLine = 64 * 1024;  // bytes, the newline included

class Line {
 public:
  Line() = default;
  explicit Line(std::string_view verb) : verb_(verb) {}

  // Appends key=value; the value may hold any byte but NUL, the key must be a valid one.
  Line& add(std::string_view key, std::string_view value) {
    fields_.emplace_back(key, value);
    return *this;
  }
  Line& add(std::string_view key, std::integral auto value) {
    return add(key, std::string_view(std::to_string(value)));
  }

  const std::string& verb() const { return verb_; }
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

  // The first value of a key. The view lives as long as the line is not changed.
  std::optional<std::string_view> get(std::string_view key) const;
  bool has(std::string_view key) const { return get(key).has_value(); }
  // The first value, or `otherwise` where the key is absent.
  std::string_view text(std::string_view key, std::string_view otherwise = {}) const;
  // Every value of a repeated key, in order.
  std::vector<std::string> all(std::string_view key) const;
  // A decimal integer, whole and in range; nullopt if absent or anything else.
  std::optional<std::int64_t> number(std::string_view key) const;
  std::int64_t number_or(std::string_view key, std::int64_t otherwise) const;

  // The line as it is sent, with its newline. A NUL in a value is written %00, which the
  // reader refuses: callers refuse such values first.
  std::string print() const;

 private:
  friend Result<Line> parse_line(std::string_view text);

  std::string verb_;
  std::vector<std::pair<std::string, std::string>> fields_;
};

// Reads a line without its newline. Errors: bad-line, with what is wrong and at which byte.
Result<Line> parse_line(std::string_view text);

// A decimal integer: optional '-', digits, nothing else, within int64. nullopt otherwise.
std::optional<std::int64_t> parse_integer(std::string_view text);

}  // namespace dm
