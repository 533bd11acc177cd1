// master/core/launches.h - launches: from the recorded instance to the answered pid, or the reason
// why not.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "master/core/end_orders.h"
#include "master/core/run_ends.h"
#include "master/core/transfers.h"
#include "master/decide/facts.h"

namespace dm::master {

class Launches : public TransferListener {
 public:
  Launches(Recorder& recorder, Requests& requests, Orders& orders, EndOrders& ends,
           Transfers& transfers, RunEnds& run_ends, Timers& timers, Reports& reports,
           Underway& underway, const Facts& facts)
      : recorder_(recorder),
        requests_(requests),
        orders_(orders),
        ends_(ends),
        transfers_(transfers),
        run_ends_(run_ends),
        timers_(timers),
        reports_(reports),
        underway_(underway),
        facts_(facts),
        state_(facts.state) {}

  // Sends LAUNCH, or the files first. `request` (0: none) waits for it.
  void install_or_launch(const std::string& instance, RequestId request, Now now);
  // The next run of a recorded instance begins as its record says; a run that its worker has had is
  // never begun again.
  void launch_again(const std::string& instance, Now now);
  // An instance has ended: the one that replaces it may have waited for that.
  void begin_replacement(const std::string& old, Now now);
  // Its worker has begun what a master before this one had ordered and did not live to hear of.
  void adopt(const std::string& instance, const Live& live, Now now);
  // Its policy has begun a run that nobody asked for: it must be known as well should its worker
  // and this master be lost together.
  void note_revival(const std::string& instance, const Live& live, Now now);
  void pruned(const std::string& instance) { reinstalled_.erase(instance); }

  void settled(const Order& order, const Line& answer, const std::optional<Error>& error, Now now);
  void files_arrived(const std::string& instance, const std::optional<Error>& error,
                     Now now) override;

 private:
  void send(const std::string& instance, RequestId request, Now now);
  void failed(const std::string& instance, RequestId request, const Error& error, Now now);
  bool try_later(const std::string& instance, const Error& error, Now now);
  void withdraw(const std::string& instance, const Placement& placement, const Error& error,
                Now now);
  bool install_again(const Order& order, Now now);
  void keep_earlier_run(const std::string& instance);
  void tell_launched(const std::string& instance, const std::string& pid, Now now);
  void record_launched(const std::string& instance, std::int64_t run, Now now);

  Recorder& recorder_;
  Requests& requests_;
  Orders& orders_;
  EndOrders& ends_;
  Transfers& transfers_;
  RunEnds& run_ends_;
  Timers& timers_;
  Reports& reports_;
  Underway& underway_;
  const Facts& facts_;
  const State& state_;
  std::map<std::string, RequestId> waiting_;  // instances that wait for their files
  std::set<std::string> reinstalled_;         // instances whose files are sent once more
};

// LAUNCH without its id.
Line launch_line(const std::string& instance, const Placement& placement);

}  // namespace dm::master
