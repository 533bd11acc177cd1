#include "master/observed/unrecorded_notices.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace dm::master {

UnrecordedNotices::News UnrecordedNotices::tell(const std::set<std::string>& reported,
                                                std::int64_t now_ms) {
  std::vector<std::string> fresh;
  std::set_difference(reported.begin(), reported.end(), known_.begin(), known_.end(),
                      std::back_inserter(fresh));
  known_ = reported;
  unsaid_ += static_cast<std::int64_t>(fresh.size());
  if (fresh.empty() || now_ms < next_ms_) return {};
  next_ms_ = now_ms + kPauseMs;
  News news;
  fresh.resize(std::min(fresh.size(), kMostNamed));
  news.more = std::exchange(unsaid_, 0) - static_cast<std::int64_t>(fresh.size());
  news.named = std::move(fresh);
  return news;
}

}  // namespace dm::master
