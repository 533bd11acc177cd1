// master/core/orders.h - orders to workers: numbered, sent, sent again to a new session, answered
// or late. Decides nothing about what an answer means (settlement.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "master/core/cluster_options.h"
#include "master/core/effects.h"
#include "master/core/leases.h"
#include "master/observed/roster.h"
#include "master/observed/underway.h"

namespace dm::master {

enum class OrderKind { kProbe, kInstall, kLaunch, kStop, kKill, kDelete, kForget, kLog };

struct Order {
  std::int64_t number = 0;  // orders to one worker go out in this sequence
  std::string id, worker;   // the id is epoch.number
  OrderKind kind = OrderKind::kProbe;
  RequestId request = 0;  // 0: nobody waits
  Line line;
  std::string instance;           // launch, stop, kill, log
  std::string transfer;           // probe, install: key of the transfer
  std::string app;                // delete
  std::int64_t sent_mono_ms = 0;  // when it was given
  std::int64_t deadline_mono_ms = 0;
  std::int64_t patience_ms = 0;  // 0: the usual; negative: for ever
  bool sent = false;
};

class Orders {
 public:
  Orders(const ClusterOptions& options, Recorder& recorder, const State& state,
         const Roster& roster, Underway& underway, Leases& leases, Effects& out)
      : options_(options),
        recorder_(recorder),
        state_(state),
        roster_(roster),
        underway_(underway),
        leases_(leases),
        out_(out) {}

  // Sends it if its worker listens; otherwise it goes out when the worker is back, unless that is
  // lost before. Returns its id.
  std::string send(Order order, Now now);
  // An order that take() has taken goes on.
  void keep(Order order);
  std::optional<Order> take(std::int64_t number);
  // The order that a worker's line speaks of, if it is its own; else 0, which is no order's number.
  std::int64_t number_of(const WorkerView& worker, const Line& answer) const;
  std::int64_t number_of(const std::string& order_id) const;
  // Those of one worker, or of one kind, in the order in which they were sent.
  std::vector<std::int64_t> of_worker(const std::string& worker) const;
  const Order& at(std::int64_t number) const { return orders_.at(number); }
  bool has(const std::string& worker, OrderKind kind) const;
  bool has_delete(const std::string& worker, const std::string& app) const;
  // The versions of the app that are on their way there.
  std::vector<std::string> installs(const std::string& worker, const std::string& app) const;
  std::vector<std::int64_t> logs_of(RequestId request) const;

  // Whatever went to an earlier session may never have arrived.
  void session_opened(const std::string& worker);
  void send_waiting(const std::string& worker, Now now);

  std::int64_t deadline() const { return due_.empty() ? INT64_MAX : due_.begin()->first; }
  std::optional<Order> take_late(Now now);

 private:
  void post(Order& order, Now now);

  const ClusterOptions& options_;
  Recorder& recorder_;
  const State& state_;
  const Roster& roster_;
  Underway& underway_;
  Leases& leases_;
  Effects& out_;
  std::map<std::int64_t, Order> orders_;                     // by number
  std::map<std::string, std::set<std::int64_t>> by_worker_;  // numbers
  std::set<std::pair<std::int64_t, std::int64_t>> due_;      // deadline and number of each order
  std::int64_t next_ = 1;
};

}  // namespace dm::master
