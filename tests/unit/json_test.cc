#include "common/json.h"

#include <cstdint>
#include <limits>

#include "common/escape.h"
#include "common/utf8.h"
#include "tests/unit/check.h"

using namespace dm;

namespace {

// A reader of what json_string() may write, strict as RFC 8259: nullopt for invalid JSON.
std::optional<std::string> read_back(std::string_view json) {
  if (json.size() < 2 || json.front() != '"' || json.back() != '"') return std::nullopt;
  json = json.substr(1, json.size() - 2);
  std::string out;
  while (!json.empty()) {
    const Decoded decoded = decode(json);
    if (!decoded.valid || decoded.point < 0x20 || decoded.point == '"') return std::nullopt;
    if (decoded.point != '\\') {
      out += json.substr(0, decoded.length);
      json.remove_prefix(decoded.length);
    } else if (json.starts_with("\\\"") || json.starts_with("\\\\")) {
      out += json[1];
      json.remove_prefix(2);
    } else {
      if (!json.starts_with("\\u") || json.size() < 6) return std::nullopt;
      const int point = std::stoi(std::string(json.substr(2, 4)), nullptr, 16);
      if (point < 0x80) {
        out += static_cast<char>(point);
      } else if (point < 0x800) {
        out += {static_cast<char>(0xC0 | (point >> 6)), static_cast<char>(0x80 | (point & 63))};
      } else {
        out +=
            {static_cast<char>(0xE0 | (point >> 12)), static_cast<char>(0x80 | ((point >> 6) & 63)),
             static_cast<char>(0x80 | (point & 63))};
      }
      json.remove_prefix(6);
    }
  }
  return out;
}

}  // namespace

TEST(json_prints_one_object_in_order) {
  CHECK_EQ(JsonObject().print(), "{}");
  JsonObject object;
  object.add("name", "w1").add_number("pid", -7).add_bool("up", true).add_bool("down", false);
  object.add_null("signal").add_list("libs", {"a", "b\"", ""}).add_list("none", {});
  CHECK_EQ(object.print(),
           R"({"name":"w1","pid":-7,"up":true,"down":false,"signal":null,"libs":["a","b\"",""],)"
           R"("none":[]})");
}

TEST(json_absent_values_are_null) {
  JsonObject object;
  object.add("a", std::optional<std::string>()).add("b", std::optional<std::string>("x"));
  object.add("c", std::optional<std::int64_t>()).add("d", std::optional<int>(0));
  object.add("e", std::optional<bool>(true)).add("f", std::optional<std::string_view>("y"));
  object.add_decimal("g", std::optional<double>(), 1);
  CHECK_EQ(object.print(), R"({"a":null,"b":"x","c":null,"d":0,"e":true,"f":"y","g":null})");
}

TEST(json_numbers_are_valid) {
  using Limits = std::numeric_limits<std::int64_t>;
  using Reals = std::numeric_limits<double>;
  CHECK_EQ(JsonObject().add_number("n", Limits::min()).print(), "{\"n\":-9223372036854775808}");
  CHECK_EQ(JsonObject().add_number("n", Limits::max()).print(), "{\"n\":9223372036854775807}");
  CHECK_EQ(JsonObject().add_decimal("n", 12.345, 1).print(), "{\"n\":12.3}");
  CHECK_EQ(JsonObject().add_decimal("n", 2.0, 0).print(), "{\"n\":2}");
  CHECK_EQ(JsonObject().add_decimal("n", 0.999, 2).print(), "{\"n\":1.00}");
  CHECK_EQ(JsonObject().add_decimal("n", Reals::infinity(), 1).print(), "{\"n\":null}");
  CHECK_EQ(JsonObject().add_decimal("n", Reals::quiet_NaN(), 1).print(), "{\"n\":null}");
  const std::string longest = JsonObject().add_decimal("n", -Reals::max(), 17).print();
  CHECK(longest.starts_with("{\"n\":-17976931348623157"));
  CHECK(longest.ends_with("58368.00000000000000000}"));
  CHECK_EQ(longest.size(), std::string("{\"n\":}").size() + 1 + 309 + 1 + 17);
}

TEST(json_strings_escape_what_they_must) {
  CHECK_EQ(json_string("a\"b\\c/d"), R"("a\"b\\c/d")");
  CHECK_EQ(json_string("\n\t\x1B\x7F"), R"("\u000A\u0009\u001B\u007F")");
  CHECK_EQ(json_string(std::string_view("\0", 1)), R"("\u0000")");
  CHECK_EQ(json_string("\xC2\x9B[2J"), R"("\u009B[2J")");      // a one-character CSI
  CHECK_EQ(json_string("\xE2\x80\xAEtxt"), R"("\u202Etxt")");  // right-to-left override
  CHECK_EQ(json_string("h\xC3\xA9 \xF0\x9F\x98\x80"), "\"h\xC3\xA9 \xF0\x9F\x98\x80\"");
}

TEST(json_every_byte_and_pair_of_bytes_is_valid) {
  for (int first = 0; first < 256; ++first) {
    for (int second = -1; second < 256; ++second) {
      std::string text(1, static_cast<char>(first));
      if (second >= 0) text += static_cast<char>(second);
      std::string expected;  // with each bad byte replaced
      for (std::string_view rest = text; !rest.empty();) {
        const Decoded decoded = decode(rest);
        expected += decoded.valid ? rest.substr(0, decoded.length) : kReplacementUtf8;
        rest.remove_prefix(decoded.length);
      }
      const auto again = read_back(json_string(text));
      REQUIRE(again.has_value());
      CHECK_EQ(*again, expected);
    }
  }
}

TEST(json_is_safe_to_show) {
  for (char32_t point = 0x80; point < 0x3000; ++point) {
    std::string text;
    if (point >= 0x800) text += static_cast<char>(0xE0 | (point >> 12));
    text += static_cast<char>(point < 0x800 ? 0xC0 | (point >> 6) : 0x80 | ((point >> 6) & 63));
    text += static_cast<char>(0x80 | (point & 63));
    const std::string json = json_string(text);
    CHECK_EQ(escape_for_terminal(json), json);
    CHECK(read_back(json) == text);
  }
}

TEST(json_replaces_bad_utf8_byte_by_byte) {
  const std::string bad = "\xEF\xBF\xBD";
  CHECK_EQ(json_string("a\xFFz"), "\"a" + bad + "z\"");
  CHECK_EQ(json_string("\xED\xA0\x80"), "\"" + bad + bad + bad + "\"");  // a surrogate
  CHECK_EQ(json_string("\xE2\x82"), "\"" + bad + bad + "\"");            // cut short
  CHECK_EQ(json_string("\xC0\xA2"), "\"" + bad + bad + "\"");            // an overlong quote
}

TEST(json_escapes_keys_too) {
  CHECK_EQ(JsonObject().add("a\"", "b").print(), R"({"a\"":"b"})");
}
