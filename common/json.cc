#include "common/json.h"

#include <cmath>
#include <cstddef>
#include <cstdio>

#include "common/check.h"
#include "common/escape.h"
#include "common/utf8.h"

namespace dm {
namespace {

void append_escape(std::string& out, char32_t point) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[(point >> shift) & 15];
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Decoded decoded = decode(text);
    if (!decoded.valid) {
      out += kReplacementUtf8;
    } else if (is_unsafe_to_show(decoded.point)) {
      append_escape(out, decoded.point);
    } else {
      if (text[0] == '"' || text[0] == '\\') out += '\\';
      out += text.substr(0, decoded.length);
    }
    text.remove_prefix(decoded.length);
  }
  out += '"';
  return out;
}

JsonObject& JsonObject::add(std::string_view key, std::string_view value) {
  return member(key, json_string(value));
}

JsonObject& JsonObject::add_number(std::string_view key, std::int64_t value) {
  return member(key, std::to_string(value));
}

// No program of ours calls setlocale, so that printf's point is a point.
JsonObject& JsonObject::add_decimal(std::string_view key, double value, int digits) {
  DM_CHECK(digits >= 0 && digits <= 17);
  if (!std::isfinite(value)) return add_null(key);
  char text[352];  // the largest double has 309 digits before the point
  const int length = std::snprintf(text, sizeof text, "%.*f", digits, value);
  return member(key, std::string_view(text, static_cast<std::size_t>(length)));
}

JsonObject& JsonObject::add_bool(std::string_view key, bool value) {
  return member(key, value ? "true" : "false");
}

JsonObject& JsonObject::add_null(std::string_view key) {
  return member(key, "null");
}

JsonObject& JsonObject::add_list(std::string_view key, const std::vector<std::string>& values) {
  std::string json = "[";
  for (const std::string& value : values) {
    if (json.size() > 1) json += ',';
    json += json_string(value);
  }
  json += ']';
  return member(key, json);
}

JsonObject& JsonObject::member(std::string_view key, std::string_view json) {
  if (!members_.empty()) members_ += ',';
  members_ += json_string(key);
  members_ += ':';
  members_ += json;
  return *this;
}

}  // namespace dm
