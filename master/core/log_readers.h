// master/core/log_readers.h - `logs`: of one instance as it is, of an app's instances merged into
// one text, and of what is kept when the worker is gone.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "master/core/log_tails.h"
#include "master/core/lookup.h"
#include "master/core/requests.h"

namespace dm::master {

class LogReaders {
 public:
  LogReaders(Requests& requests, Orders& orders, LogStreams& streams, LogTails& tails,
             const Lookup& lookup, const Facts& facts, Effects& out)
      : requests_(requests),
        orders_(orders),
        streams_(streams),
        tails_(tails),
        lookup_(lookup),
        facts_(facts),
        state_(facts.state),
        out_(out) {}

  void logs(Request& request, Now now);
  // `describe` of an instance that rests: its last lines follow.
  void read_tail(Request& request, const std::string& name);
  // Nobody reads any more.
  void cancel(RequestId request);

  void settled(const Order& order, const std::optional<Error>& error, Now now);
  void handle(const StreamEnded& ended, Now now);
  void handle(const TailRead& read, Now now);
  // Whoever follows an instance whose run has ended reads its next run once there is one. Called
  // after each event; costs nothing while nobody waits so.
  void pursue(Now now);

 private:
  // First what is kept of those that are gone, then the living together.
  struct Merge {
    int tails_awaited = 0;
    std::vector<std::string> living;
    std::size_t width = 0;  // of the longest name
  };

  // An instance that a request follows from run to run.
  struct Followed {
    std::int64_t run = 0;  // that is read, or was
    std::optional<Weave> merge;
  };
  enum class Next { kRead, kWait, kEnd };
  using FollowedKey = std::pair<RequestId, std::string>;

  bool goes_on(const Order& order);
  Next next_of(const FollowedKey& key, const Followed& followed, Now now) const;
  void read_next_run(const FollowedKey& key, Followed& followed, Now now);

  void merge_logs(Request& request, const std::vector<std::string>& names, Now now);
  std::optional<Error> begin_kept(const Request& request, Merge& merge, const std::string& name,
                                  const Error& gone);
  void merge_kept(Request& request, Merge& merge, const TailRead& read, Now now);
  void merge_living(Request& request, Now now);
  static std::string prefix(const Merge& merge, const std::string& name);
  void ask_log(const Request& request, const std::string& name, std::optional<Weave> merge,
               Now now);
  static Order log_order(const Request& request, const std::string& name,
                         const std::string& worker);
  void log_is_through(const Order& order, const std::optional<Error>& error, Now now);
  void show_kept_log(Request& request, const std::string& name, const Error& gone);
  static Error not_kept_for(const std::string& option, const Error& gone);
  std::string why_away(const std::string& name) const;
  std::string why_kept(const Tail& tail) const;
  std::optional<Error> print_kept_log(const Request& request, const TailRead& read, Now now);
  void describe_tail(const Request& request, const TailRead& read);

  Requests& requests_;
  Orders& orders_;
  LogStreams& streams_;
  LogTails& tails_;
  const Lookup& lookup_;
  const Facts& facts_;
  const State& state_;
  Effects& out_;
  std::map<RequestId, Merge> merges_;
  std::map<FollowedKey, Followed> followed_;
  std::set<FollowedKey> resting_;
};

}  // namespace dm::master
