// master/observed/unrecorded_notices.h - which of the instances that a worker runs, and of which no
// record speaks, are worth a notice: each once, and few at a time, so that a worker that comes
// again and again with other names does not flood the event log. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace dm::master {

class UnrecordedNotices {  // of one worker
 public:
  static constexpr std::size_t kMostNamed = 20;
  static constexpr std::int64_t kPauseMs = 60'000;  // from one notice to the next

  struct News {
    std::vector<std::string> named;
    std::int64_t more = 0;  // of which nothing was said, since the last news too
  };
  // A session has named all of them. Those that an earlier one named as well are no news; what is
  // not named any more is forgotten. Nothing while the last news are younger than kPauseMs.
  News tell(const std::set<std::string>& reported, std::int64_t now_ms);

 private:
  std::set<std::string> known_;
  std::int64_t unsaid_ = 0, next_ms_ = INT64_MIN;
};

}  // namespace dm::master
