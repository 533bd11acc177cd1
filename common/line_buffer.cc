#include "common/line_buffer.h"

#include <algorithm>

namespace dm {

void LineBuffer::feed(std::string_view bytes) {
  compact();
  data_.append(bytes);
}

std::optional<std::string> LineBuffer::next() {
  if (too_long_) return std::nullopt;
  const std::size_t newline = data_.find('\n', std::max(scanned_, start_));
  const bool found = newline != std::string::npos;
  const std::size_t length = (found ? newline + 1 : data_.size()) - start_;
  if (length > max_line_) {
    too_long_ = true;
    return std::nullopt;
  }
  if (!found) {
    scanned_ = data_.size();
    return std::nullopt;
  }
  std::size_t end = newline;
  if (end > start_ && data_[end - 1] == '\r') --end;
  std::string line = data_.substr(start_, end - start_);
  start_ = scanned_ = newline + 1;
  return line;
}

std::string LineBuffer::take(std::size_t most) {
  std::string bytes = data_.substr(start_, most);
  start_ += bytes.size();
  scanned_ = start_;
  compact();
  return bytes;
}

// Moving the rest to the front costs its length, so it is done only when it is the smaller part.
void LineBuffer::compact() {
  if (start_ == data_.size()) {
    data_.clear();
    start_ = scanned_ = 0;
  } else if (start_ > data_.size() / 2) {
    data_.erase(0, start_);
    scanned_ -= std::min(scanned_, start_);
    start_ = 0;
  }
}

}  // namespace dm
