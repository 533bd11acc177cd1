// master/core/log_streams.h - the order that brings a log from a worker, and the stream that is
// expected for it.
#pragma once

#include <optional>

#include "master/core/orders.h"

namespace dm::master {

class LogStreams {
 public:
  LogStreams(Orders& orders, Effects& out) : orders_(orders), out_(out) {}
  // `merge`: it becomes a part of one text; `tail`: it is stored instead of shown.
  void send(Order order, std::optional<Weave> merge, std::optional<Tail> tail, Now now);

 private:
  Orders& orders_;
  Effects& out_;
};

}  // namespace dm::master
