#include "master/limits/operator_patience.h"

namespace dm::master {

OperatorPatience::Verdict OperatorPatience::look(const Sight& sight, std::int64_t now_ms) {
  const bool waits_for_nothing = sight.is_tcp && !sight.is_served && !sight.has_unsent;
  const bool wants_more = !sight.is_served && sight.has_unsent && sight.has_unread;
  if (sight.moved != moved_ || !(waits_for_nothing || wants_more)) since_ = now_ms;
  moved_ = sight.moved;
  if (wants_more && now_ms - since_ >= (sight.is_tcp ? kDeafMs : kDeafLocallyMs))
    return Verdict::kDeaf;
  if (waits_for_nothing && now_ms - since_ >= kIdleMs) return Verdict::kIdle;
  return Verdict::kStays;
}

}  // namespace dm::master
