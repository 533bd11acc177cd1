// master/core/requests.h - the commands of operators while they wait: what each printed, what it
// waits for, how it ends, and its place in the audit trail. Never decides what a command does.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "master/core/effects.h"
#include "master/core/recorder.h"

namespace dm::master {

// One command of an operator while it waits for workers.
struct Request {
  RequestId id = 0;
  Asker asker;
  std::string words;  // for the audit trail, without secrets
  Invocation invocation;
  int waiting = 0;  // orders, transfers, files that are read
  int tried = 0, failed = 0;
  std::optional<Error> error;  // the first
  bool follows_events = false;
  bool is_left = false;  // nobody waits for it any more: it goes on, and is told to nobody
  std::string audit;     // its number in the audit trail; empty: it changes nothing
  // The second half of a command, once nothing is waited for; it may wait for more.
  std::function<void(Request&, Now)> then;
};

// The error with the name of the worker on which it happened, unless it says so already.
Error on_worker(Error error, const std::string& worker);

class Requests : public RecordObserver {
 public:
  Requests(Recorder& recorder, const State& state, Effects& out)
      : recorder_(recorder), state_(state), out_(out) {}

  Request& add(const Command& command);
  // nullptr once it has ended, or for 0.
  Request* find(RequestId id);

  // Output; dropped in silence if nobody waits any more.
  void out(RequestId request, std::string text);
  void out_line(RequestId request, std::string_view text);  // one, and safe to show
  void note(RequestId request, std::string text);

  // Its operator has left: true if the work goes on, and is audited when it is done.
  bool leave(Request& request, Now now);

  void failed(Request& request, const std::string& about, const Error& error);
  void refuse(Request& request, const Error& error);  // nothing was begun
  // One of the things that the request waits for is done. The last one ends it.
  void done_one(RequestId id, const std::string& about, const std::optional<Error>& error, Now now);
  void finish_if_done(Request& request, Now now);

  // Recorded before anything is done about it, so that no crash leaves an effect without its
  // author.
  void begin_audit(Request& request, Now now);
  // The commands that an earlier master did not live to end.
  void find_left_audits();
  bool has_left_audits() const { return !left_audits_.empty(); }
  void end_left_audits(Now now);

  void event_recorded(const ClusterEvent& event) override;

 private:
  void end_audit(const std::string& number, const std::optional<Error>& error, Now now);

  Recorder& recorder_;
  const State& state_;
  Effects& out_;
  std::map<RequestId, Request> requests_;
  std::vector<std::string> left_audits_;
};

}  // namespace dm::master
