// master/core/settlement.h - hands the answer of an order to the component that gave it.
#pragma once

#include <optional>
#include <string>

#include "master/core/log_readers.h"
#include "master/core/retention.h"
#include "master/core/stops.h"

namespace dm::master {

class Settlement {
 public:
  Settlement(Orders& orders, Transfers& transfers, Launches& launches, Stops& stops,
             Deletes& deletes, Retention& retention, LogReaders& logs)
      : orders_(orders),
        transfers_(transfers),
        launches_(launches),
        stops_(stops),
        deletes_(deletes),
        retention_(retention),
        logs_(logs) {}

  // OK or ERR of a worker.
  void answered(const WorkerView& worker, const Line& line, Now now);
  void progress(const WorkerView& worker, const Line& line, Now now);
  // Its worker is gone: what is asked of it meanwhile, because of these, waits for its return.
  void give_up(const std::string& worker, const Error& error, Now now);
  void tick(Now now);

 private:
  void settle(const Order& order, const Line& answer, const std::optional<Error>& error, Now now);

  Orders& orders_;
  Transfers& transfers_;
  Launches& launches_;
  Stops& stops_;
  Deletes& deletes_;
  Retention& retention_;
  LogReaders& logs_;
};

}  // namespace dm::master
