// common/line_buffer.h - turns a byte stream into lines and byte-counted bodies. Pure: never
// touches a descriptor.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace dm {

class LineBuffer {
 public:
  // Lines of more than `max_line` bytes, newline included, are too long.
  explicit LineBuffer(std::size_t max_line) : max_line_(max_line) {}

  // Keeps `bytes`, whatever read(2) returned.
  void feed(std::string_view bytes);

  // The next line without "\n" or "\r\n"; nullopt if no whole line waits, or if the line that
  // begins here is too long. Once too_long() is true nothing more is returned, so that the tail
  // of a long line is never read as a line of its own: the peer is to be answered and dropped.
  std::optional<std::string> next();
  bool too_long() const { return too_long_; }

  // Up to `most` bytes of a body that follows the last line; fewer if fewer wait.
  std::string take(std::size_t most);

  // Bytes that wait, whole lines and parts of one.
  std::size_t waiting() const { return data_.size() - start_; }
  void set_max_line(std::size_t max_line) { max_line_ = max_line; }

 private:
  void compact();

  std::size_t max_line_;
  std::string data_;
  std::size_t start_ = 0;    // what stands before it has been handed out
  std::size_t scanned_ = 0;  // no newline stands in [start_, scanned_)
  bool too_long_ = false;
};

}  // namespace dm
