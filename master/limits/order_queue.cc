#include "master/limits/order_queue.h"

namespace dm::master {
namespace {

std::size_t size_of(const Line& line) {
  std::size_t size = 0;
  for (const auto& [key, value] : line.fields()) size += key.size() + value.size() + 2;
  return size;
}

}  // namespace

void OrderQueue::push(const Line& order) {
  const std::string instance(order.text("instance"));
  const auto waiting = long_of_.find(instance);
  if (size_of(order) <= kShort && waiting == long_of_.end()) return short_.push_back(order);
  long_.push_back(order);
  ++long_of_[instance];
}

std::optional<Line> OrderQueue::pop() {
  if (!short_.empty()) {
    Line line = std::move(short_.front());
    short_.pop_front();
    return line;
  }
  if (long_.empty() || under_way_ >= kWindow) return std::nullopt;
  Line line = std::move(long_.front());
  long_.pop_front();
  const auto waiting = long_of_.find(std::string(line.text("instance")));
  if (--waiting->second == 0) long_of_.erase(waiting);
  const std::size_t size = size_of(line);
  if (size > kShort && unanswered_.emplace(line.text("id"), size).second) under_way_ += size;
  return line;
}

void OrderQueue::answered(std::string_view id) {
  const auto found = unanswered_.find(id);
  if (found == unanswered_.end()) return;
  under_way_ -= found->second;
  unanswered_.erase(found);
}

void OrderQueue::give_up() {
  unanswered_.clear();
  under_way_ = 0;
}

}  // namespace dm::master
