// master/core/end_orders.h - the orders that end an instance: STOP and KILL.
#pragma once

#include <string>

#include "master/core/orders.h"
#include "master/core/requests.h"

namespace dm::master {

class EndOrders {
 public:
  EndOrders(Orders& orders, const State& state) : orders_(orders), state_(state) {}

  // As an operator asked for it; not sent yet.
  static Order order(const Request& request, OrderKind kind, const std::string& name,
                     const std::string& worker);
  // On the master's own account: as the record of the instance desires it. REQUIRES that the
  // instance is recorded.
  void send(const std::string& instance, Now now);

 private:
  Orders& orders_;
  const State& state_;
};

}  // namespace dm::master
