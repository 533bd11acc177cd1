// common/line_buffer.h: however a stream is cut, the same lines and bodies come out of it, and
// nothing behind a line that is too long.
#include "common/line_buffer.h"

#include "tests/fuzz/target.h"

using namespace dm;
using namespace dm::fuzz;

namespace {

constexpr std::size_t kMost = 64;  // bytes of a line

// A line that begins with a digit announces a body of so many bytes.
std::size_t body_after(std::string_view line) {
  const bool digit = !line.empty() && line[0] >= '0' && line[0] <= '9';
  return digit ? static_cast<std::size_t>(line[0] - '0') : 0;
}

struct Heard {
  std::vector<std::string> parts;  // lines as "l...", bodies as "b..."
  bool too_long = false;
  bool operator==(const Heard&) const = default;
};

// Written anew from the header's contract, without any buffer.
Heard expected(std::string_view text) {
  Heard heard;
  while (true) {
    const std::size_t newline = text.find('\n');
    const bool whole = newline != text.npos;
    heard.too_long = (whole ? newline + 1 : text.size()) > kMost;
    if (heard.too_long || !whole) return heard;
    std::string_view line = text.substr(0, newline);
    if (line.ends_with('\r')) line.remove_suffix(1);
    heard.parts.push_back("l" + std::string(line));
    text.remove_prefix(newline + 1);
    const std::string_view body = text.substr(0, body_after(line));
    text.remove_prefix(body.size());
    if (body_after(line) > 0) heard.parts.push_back("b" + std::string(body));
    if (body.size() < body_after(line)) return heard;
  }
}

class Listener {
 public:
  void feed(std::string_view bytes) {
    buffer_.feed(bytes);
    while (take_body()) {
      const auto line = buffer_.next();
      if (!line) break;
      heard.parts.push_back("l" + *line);
      body_left_ = body_after(*line);
      if (body_left_ > 0) heard.parts.push_back("b");
    }
    heard.too_long = buffer_.too_long();
  }

  std::size_t waiting() const { return buffer_.waiting(); }
  Heard heard;

 private:
  bool take_body() {
    while (body_left_ > 0) {
      const std::string bytes = buffer_.take(body_left_);
      if (bytes.empty()) return false;
      heard.parts.back() += bytes;
      body_left_ -= bytes.size();
    }
    return true;
  }

  LineBuffer buffer_{kMost};
  std::size_t body_left_ = 0;
};

}  // namespace

TARGET(line_buffer) {
  const Heard wanted = expected(input);
  Dice dice(input);
  for (const std::size_t longest : {std::size_t{1}, std::size_t{7}, kMost, input.size() + 1}) {
    Listener listener;
    for (const std::string_view piece : pieces_of(input, dice, longest)) {
      listener.feed(piece);
      // The peer of a line that is too long is dropped; nobody else can make it hold much.
      CHECK(listener.heard.too_long || listener.waiting() <= kMost);
      if (listener.heard.too_long) break;
    }
    CHECK(listener.heard == wanted);
  }
}
