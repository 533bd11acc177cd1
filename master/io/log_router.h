// master/io/log_router.h - where the logs go that come over bulk connections: straight to their
// reader, woven into one text with others, or put away. Decides nothing about who may read what.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "master/io/control_port.h"
#include "master/io/hub.h"
#include "master/logs/log_merge.h"

namespace dm::master {

class LogRouter {
 public:
  // What the stream of an order brought that nobody reads. The core is to hear of its end
  // (StreamEnded) once that is put away: so only few wait for the disk.
  using OnTail = std::function<void(const std::string& order, Tail)>;

  // `resume` makes the stream of an order flow again; called from the loop, not from bytes().
  LogRouter(Hub& hub, ControlPort& control, std::function<void(const std::string&)> resume,
            OnTail on_tail)
      : hub_(hub), control_(control), resume_(std::move(resume)), on_tail_(std::move(on_tail)) {}

  // All that are woven into one are expected before the first of them begins.
  void expect(const ExpectStream& stream);
  // Nothing more goes anywhere.
  void drop(const std::string& order);

  // What a stream brings. False: no more of it until it is resumed.
  bool bytes(const std::string& order, std::string_view bytes);
  void note(const std::string& order, const std::string& text);
  void progress(const std::string& order, std::int64_t done, std::int64_t total);
  // The core hears of it (StreamEnded) when all that came before has gone out.
  void ended(const std::string& order, const std::optional<Error>& error);

  // The reader of a request takes bytes again.
  void drained(RequestId request);

 private:
  struct Route {
    RequestId request = 0;
    std::optional<Weave> weave;
    std::optional<Tail> tail;
    LogMerge::Key key = 0;
    std::optional<Error> error;  // how a woven one ended
  };
  struct Woven {
    LogMerge merge;
    std::map<LogMerge::Key, std::string> orders;
    bool slow = false;  // its reader takes nothing more for now
    Loop::TimerId timer{};
  };
  static bool take_tail(Tail& tail, std::string_view bytes);
  void pump(RequestId request);
  void pass_on(RequestId request, Woven& woven);

  Hub& hub_;
  ControlPort& control_;
  std::function<void(const std::string&)> resume_;
  OnTail on_tail_;
  std::map<std::string, Route> routes_;  // by order
  std::map<RequestId, Woven> woven_;
};

}  // namespace dm::master
