// master/limits/order_queue.h - orders that wait until their worker takes more, and in which order
// they go: short ones pass long ones, but of one instance none passes another. Pure.
//
// It has no cap: it holds what the master itself has to say, which is nobody else's fault. But of
// long orders only kWindow bytes are on their way before some are answered: what the kernel holds
// would keep beats from a worker for seconds.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/codec.h"

namespace dm::master {

class OrderQueue {
 public:
  static constexpr std::size_t kShort = 4096;  // bytes, about
  static constexpr std::size_t kWindow = 512 * 1024;

  void push(const Line& order);
  // The next one to go; nullopt: none may go now.
  std::optional<Line> pop();
  // An order has been answered; one of which nothing is known is no error.
  void answered(std::string_view id);
  // Nothing has been answered for as long as an order lives: those that went count no more.
  void give_up();

  bool empty() const { return short_.empty() && long_.empty(); }
  std::size_t size() const { return short_.size() + long_.size(); }
  bool awaits_answers() const { return !unanswered_.empty(); }

 private:
  std::deque<Line> short_, long_;
  std::map<std::string, int> long_of_;  // of each instance, how many wait in long_
  std::map<std::string, std::size_t, std::less<>> unanswered_;  // bytes of long ones, by id
  std::size_t under_way_ = 0;                                   // bytes of all of those
};

}  // namespace dm::master
