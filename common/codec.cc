#include "common/codec.h"

#include <array>
#include <charconv>

namespace dm {
namespace {

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

constexpr std::size_t kUsualFields = 12;

// One look-up a byte: thousands of workers send a line a second.
enum : std::uint8_t { kKeyByte = 1, kPlainByte = 2 };
constexpr std::array<std::uint8_t, 256> kClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t byte = 0; byte < classes.size(); ++byte) {
    const bool is_key =
        (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
    const bool is_plain = byte > 0x20 && byte != '%' && byte != 0x7f;
    classes[byte] =
        static_cast<std::uint8_t>((is_key ? kKeyByte : 0) | (is_plain ? kPlainByte : 0));
  }
  return classes;
}();
std::uint8_t class_of(char c) {
  return kClasses[static_cast<unsigned char>(c)];
}
// Where the bytes of this class that begin at `at` end.
std::size_t end_of(std::uint8_t wanted, std::string_view text, std::size_t at) {
  while (at < text.size() && (class_of(text[at]) & wanted) != 0) ++at;
  return at;
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

Error bad(std::string_view what, std::size_t at) {
  return fail(Code::kBadLine, std::string(what) + " at byte " + std::to_string(at + 1));
}

void append_value(std::string& out, std::string_view value) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (std::size_t at = 0; at < value.size(); ++at) {
    const std::size_t end = end_of(kPlainByte, value, at);
    out.append(value, at, end - at);
    at = end;
    if (at == value.size()) return;
    const auto byte = static_cast<unsigned char>(value[at]);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}

// Decodes the value that begins at `at` and moves `at` behind it.
Result<std::string> read_value(std::string_view text, std::size_t& at) {
  std::string value;
  while (true) {
    const std::size_t start = at;
    at = end_of(kPlainByte, text, at);
    value.append(text, start, at - start);
    if (at == text.size() || text[at] == ' ') return value;
    if (text[at] != '%') return bad("unescaped control byte", at);
    const int high = at + 1 < text.size() ? hex_digit(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? hex_digit(text[at + 2]) : -1;
    if (high < 0 || low < 0) return bad("bad % escape", at);
    if (high == 0 && low == 0) return bad("NUL", at);
    value += static_cast<char>(high * 16 + low);
    at += 3;
  }
}

Result<std::string_view> read_key(std::string_view text, std::size_t& at) {
  const std::size_t start = at;
  if (at >= text.size() || !is_lower(text[at])) return bad("a key must begin with a-z", at);
  at = end_of(kKeyByte, text, at);
  if (at >= text.size() || text[at] != '=') return bad("expected key=value", at);
  return text.substr(start, at++ - start);
}

}  // namespace

std::optional<std::string_view> Line::get(std::string_view key) const {
  for (const auto& [name, value] : fields_)
    if (name == key) return value;
  return std::nullopt;
}

std::string_view Line::text(std::string_view key, std::string_view otherwise) const {
  return get(key).value_or(otherwise);
}

std::vector<std::string> Line::all(std::string_view key) const {
  std::vector<std::string> values;
  for (const auto& [name, value] : fields_)
    if (name == key) values.push_back(value);
  return values;
}

std::optional<std::int64_t> Line::number(std::string_view key) const {
  const auto value = get(key);
  return value ? parse_integer(*value) : std::nullopt;
}

std::int64_t Line::number_or(std::string_view key, std::int64_t otherwise) const {
  return number(key).value_or(otherwise);
}

std::string Line::print() const {
  std::size_t size = verb_.size() + 1;
  for (const auto& [key, value] : fields_) size += key.size() + value.size() + 2;
  std::string out;
  out.reserve(size);
  out += verb_;
  for (const auto& [key, value] : fields_) {
    out += ' ';
    out += key;
    out += '=';
    append_value(out, value);
  }
  out += '\n';
  return out;
}

Result<Line> parse_line(std::string_view text) {
  std::size_t at = 0;
  if (text.empty() || !is_upper(text[0])) return bad("a verb must begin with A-Z", 0);
  while (at < text.size() && (is_upper(text[at]) || text[at] == '-')) ++at;
  Line line(text.substr(0, at));
  line.fields_.reserve(kUsualFields);
  while (at < text.size()) {
    if (text[at] != ' ') return bad("expected a space", at);
    ++at;
    if (at == text.size()) break;  // one space at the end is forgiven: people type it
    auto key = read_key(text, at);
    if (!key) return key.error();
    auto value = read_value(text, at);
    if (!value) return value.error();
    line.fields_.emplace_back(*key, std::move(*value));
  }
  return line;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || text.empty()) return std::nullopt;
  return value;
}

}  // namespace dm
