// master/core/samples.h - readings of every living instance for `usage --since`, one each ten
// seconds, fewer of those that are older, bounded.
#pragma once

#include "common/clock.h"
#include "master/decide/facts.h"

namespace dm::master {

class Samples {
 public:
  Samples(Reports& reports, const Facts& facts) : reports_(reports), facts_(facts) {}
  std::int64_t deadline() const { return reports_.all().empty() ? INT64_MAX : next_mono_ms_; }
  void tick(Now now);

 private:
  Reports& reports_;
  const Facts& facts_;
  std::int64_t next_mono_ms_ = 0;
};

}  // namespace dm::master
