#include "master/client/keys.h"

#include <algorithm>
#include <utility>

#include "common/utf8.h"

namespace dm {
namespace {

constexpr char kEsc = '\x1b';
constexpr std::size_t kMaxSequence = 32;  // longer than any that a terminal sends
constexpr std::string_view kPasteEnd = "\x1b[201~";
constexpr unsigned kPasteBegin = 200;

struct Sequence {
  char final;
  unsigned number;  // before `~`; 0 for a letter
  Key::Kind plain;
  Key::Kind with_modifier;  // Ctrl or Alt held
};
constexpr Sequence kSequences[] = {
    {'A', 0, Key::kUp, Key::kUp},
    {'B', 0, Key::kDown, Key::kDown},
    {'C', 0, Key::kRight, Key::kWordRight},
    {'D', 0, Key::kLeft, Key::kWordLeft},
    {'H', 0, Key::kHome, Key::kHome},
    {'F', 0, Key::kEnd, Key::kEnd},
    {'c', 0, Key::kWordRight, Key::kWordRight},
    {'d', 0, Key::kWordLeft, Key::kWordLeft},
    {'~', 1, Key::kHome, Key::kHome},
    {'~', 7, Key::kHome, Key::kHome},
    {'~', 4, Key::kEnd, Key::kEnd},
    {'~', 8, Key::kEnd, Key::kEnd},
    {'~', 3, Key::kDelete, Key::kDelete},
};

const Sequence* find_sequence(char final, unsigned number) {
  for (const Sequence& row : kSequences)
    if (row.final == final && row.number == number) return &row;
  return nullptr;
}

Key make(Key::Kind kind, std::string_view text = {}) {
  Key key;
  key.kind = kind;
  key.text = text;
  return key;
}

bool is_control(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return value < 0x20 || value == 0x7f;
}

Key control_key(char byte) {
  if (byte == '\x7f') return make(Key::kBackspace);
  const bool letter = byte >= 1 && byte <= 26;
  const char name = static_cast<char>(byte + (letter ? 0x60 : 0x40));
  return make(Key::kControl, std::string_view(&name, 1));
}

// True if more bytes could still make a code point of `rest`.
bool is_unfinished(std::string_view rest) {
  const auto lead = static_cast<unsigned char>(rest[0]);
  const std::size_t need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || rest.size() >= need) return false;
  return std::all_of(rest.begin() + 1, rest.end(),
                     [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; });
}

// The form of a control sequence (ECMA-48, 5.4): parameter and intermediate bytes, one final byte.
std::size_t parameters_in(std::string_view rest) {
  const auto is_parameter = [](char byte) { return byte >= 0x20 && byte <= 0x3f; };
  return static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_parameter) -
                                  rest.begin());
}

bool is_final(char byte) {
  return byte >= 0x40 && byte <= 0x7e;
}

// A decimal number at the front, which is taken off; 0 where there is none.
unsigned take_number(std::string_view& text) {
  unsigned value = 0;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    value = std::min(value * 10 + static_cast<unsigned>(text[0] - '0'), 9999u);
    text.remove_prefix(1);
  }
  return value;
}

// Terminals send "\r" for the newlines of a paste, some "\r\n".
std::string clean_paste(std::string_view raw) {
  std::string clean;
  clean.reserve(raw.size());
  for (std::size_t at = 0; at < raw.size();) {
    const Decoded point = decode(raw.substr(at));
    const bool is_return = raw[at] == '\r';
    if (is_return && raw.substr(at, 2) != "\r\n") clean += '\n';
    if (!is_return && point.valid) clean += raw.substr(at, point.length);
    at += point.length;
  }
  return clean;
}

}  // namespace

void KeyReader::feed(std::string_view bytes) {
  data_.erase(0, start_);
  start_ = 0;
  data_ += bytes;
}

std::optional<Key> KeyReader::next() {
  while (waiting()) {
    if (pasting_) {
      std::optional<Key> paste = read_paste();
      if (!paste) return std::nullopt;
      return paste;
    }
    Token token = read(std::string_view(data_).substr(start_));
    if (token.length == 0) return std::nullopt;
    start_ += token.length;
    if (token.key) return std::move(token.key);
  }
  return std::nullopt;
}

bool KeyReader::pending_escape() const {
  return !pasting_ && data_.size() == start_ + 1 && data_[start_] == kEsc;
}

void KeyReader::flush_escape() {
  flushed_ = pending_escape();
}

void KeyReader::clear() {
  *this = KeyReader();
}

KeyReader::Token KeyReader::read(std::string_view rest) {
  if (overlong_) {
    if (const std::size_t more = parameters_in(rest); more > 0) return {more, std::nullopt};
    overlong_ = false;
    if (is_final(rest[0])) return {1, std::nullopt};
  }
  if (rest[0] == kEsc) return read_escape(rest);
  if (is_control(rest[0])) return {1, control_key(rest[0])};
  if (is_unfinished(rest)) return {};
  const Decoded point = decode(rest);
  const bool printable = point.valid && column_width(point.point) >= 0;
  if (!printable) return {point.length, std::nullopt};
  return {point.length, make(Key::kCharacter, rest.substr(0, point.length))};
}

KeyReader::Token KeyReader::read_escape(std::string_view rest) {
  if (std::exchange(flushed_, false)) return {1, make(Key::kEscape)};
  if (rest.size() == 1) return {};
  const char second = rest[1];
  if (second == '[' || second == 'O') return read_csi(rest);
  if (second == '\b' || second == '\x7f') return {2, make(Key::kMeta, rest.substr(1, 1))};
  const std::string_view after = rest.substr(1);
  if (!is_control(second) && is_unfinished(after)) return {};
  const Decoded point = decode(after);
  // Escape was pressed, and another key at once: both count.
  if (is_control(second) || !point.valid) return {1, make(Key::kEscape)};
  return {1 + point.length, make(Key::kMeta, after.substr(0, point.length))};
}

KeyReader::Token KeyReader::read_csi(std::string_view rest) {
  if (rest.size() == 2) return {};
  // The Linux console's function keys are "ESC [ [ A": one byte more than the standard's form.
  const bool console = rest.substr(1, 2) == "[[";
  std::size_t end = console ? 3 : 2;
  end += parameters_in(rest.substr(end));
  // However it comes in pieces: what is too long is nothing to its end.
  overlong_ = end > kMaxSequence;
  if (overlong_) return {end, std::nullopt};
  if (end == rest.size()) return {};
  // What can be no part of a sequence ends it: it is a key of its own.
  if (!is_final(rest[end])) return {end, std::nullopt};
  const Token nothing{end + 1, std::nullopt};
  if (console) return nothing;

  const char final = rest[end];
  std::string_view parameters = rest.substr(2, end - 2);
  unsigned number = take_number(parameters);
  unsigned modifier = 0;
  if (!parameters.empty() && parameters[0] == ';') {
    parameters.remove_prefix(1);
    modifier = take_number(parameters);
  }
  if (!parameters.empty()) return nothing;
  if (final == '~' && number == kPasteBegin) {
    pasting_ = true;
    return nothing;
  }
  if (rest[1] == 'O' && final == 'M') return {end + 1, make(Key::kControl, "m")};
  // "ESC [ 5 C" of older terminals has the modifier where others have a constant 1.
  if (final != '~') modifier = std::max(modifier, std::exchange(number, 0u));
  const Sequence* row = find_sequence(final, number);
  if (!row) return nothing;
  constexpr unsigned kAltOrCtrl = 2 | 4;  // in a modifier less one; 1 is Shift
  const bool modified = modifier > 0 && ((modifier - 1) & kAltOrCtrl) != 0;
  return {end + 1, make(modified ? row->with_modifier : row->plain)};
}

std::optional<Key> KeyReader::read_paste() {
  const std::string_view rest = std::string_view(data_).substr(start_);
  const std::size_t end = rest.find(kPasteEnd);
  const bool whole = end != std::string_view::npos;
  // The end marker may be cut by the edge of a read.
  const std::size_t tail = std::min(rest.size(), kPasteEnd.size() - 1);
  const std::size_t take = whole ? end : rest.size() - tail;
  const std::size_t kept = std::min(take, kMaxPaste - paste_.size());
  paste_ += rest.substr(0, kept);
  dropped_ += take - kept;
  start_ += take;
  if (!whole) return std::nullopt;
  start_ += kPasteEnd.size();
  pasting_ = false;
  Key key = make(Key::kPaste, clean_paste(paste_));
  key.dropped = std::exchange(dropped_, 0);
  paste_ = std::string();
  return key;
}

}  // namespace dm
