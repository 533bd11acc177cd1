// master/core/peer_notices.h - peers that were turned away: counted, and told now and then.
#pragma once

#include "master/core/recorder.h"

namespace dm::master {

class PeerNotices {
 public:
  PeerNotices(Recorder& recorder, Effects& out) : recorder_(recorder), out_(out) {}
  void turned_away(const TurnedAway& peer, Now now);
  std::int64_t count() const { return count_; }  // since the start

 private:
  Recorder& recorder_;
  Effects& out_;
  std::int64_t count_ = 0;
  std::int64_t next_line_ = 0, next_event_ = 0;  // mono_ms
};

}  // namespace dm::master
