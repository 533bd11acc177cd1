// master/core/deletes.h - removes apps from workers: recorded first, done when nothing of it lives
// there, later on workers that are away.
#pragma once

#include <set>
#include <string>

#include "master/core/catalog.h"
#include "master/core/end_orders.h"
#include "master/core/lookup.h"
#include "master/core/timers.h"
#include "master/decide/facts.h"

namespace dm::master {

class Deletes {
 public:
  Deletes(Recorder& recorder, Requests& requests, Orders& orders, EndOrders& ends, Catalog& catalog,
          Timers& timers, Reports& reports, const Lookup& lookup, const Facts& facts, Effects& out)
      : recorder_(recorder),
        requests_(requests),
        orders_(orders),
        ends_(ends),
        catalog_(catalog),
        timers_(timers),
        reports_(reports),
        lookup_(lookup),
        facts_(facts),
        state_(facts.state),
        out_(out) {}

  // `delete --force` waits for its instances to end; meanwhile no new ones begin.
  bool is_under_way(const std::string& app) const { return stopping_.contains(app); }
  // Records what is to be deleted before anything of it is stopped: a master that dies on the way
  // finishes it. The request goes on when its stops are done.
  void after_stops(Request& request, const std::string& app);
  void delete_from(Request& request, const std::string& app, Now now);
  // Sends the DELETE once nothing of the app lives on the worker. What lives is stopped first, and
  // its end leads here again.
  void delete_if_still(const std::string& worker, const std::string& app, Now now);
  // An instance has ended: the delete of its app on that worker may have waited for it.
  void go_on(const std::string& worker, const std::string& app, Now now);

  void settled(const Order& order, const std::optional<Error>& error, Now now);

 private:
  std::set<std::string> targets(const Request& request, const std::string& app) const;
  void send(const std::string& worker, const std::string& app, RequestId request, Now now);

  Recorder& recorder_;
  Requests& requests_;
  Orders& orders_;
  EndOrders& ends_;
  Catalog& catalog_;
  Timers& timers_;
  Reports& reports_;
  const Lookup& lookup_;
  const Facts& facts_;
  const State& state_;
  Effects& out_;
  std::multiset<std::string> stopping_;  // apps, once for each request
};

// What a lost worker cannot do now is recorded, and done when it returns.
Error when_back(const Error& error, const std::string& worker);

}  // namespace dm::master
