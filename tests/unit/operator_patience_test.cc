#include "master/limits/operator_patience.h"

#include "tests/unit/check.h"

using namespace dm::master;

namespace {

using Verdict = OperatorPatience::Verdict;
constexpr std::int64_t kDeaf = OperatorPatience::kDeafMs, kIdle = OperatorPatience::kIdleMs;
// {is_tcp, is_served, has_unsent, has_unread, moved}
constexpr OperatorPatience::Sight kStill{true, false, false, false, 0};
constexpr OperatorPatience::Sight kOnUnix{false, false, false, false, 0};
constexpr OperatorPatience::Sight kFollows{true, true, false, false, 0};
constexpr OperatorPatience::Sight kReadsSlowly{true, false, true, false, 0};
constexpr OperatorPatience::Sight kAsksOn{true, false, true, true, 0};
constexpr OperatorPatience::Sight kAsksOnOnUnix{false, false, true, true, 0};

}  // namespace

TEST(patience_ends_for_who_wants_nothing_over_tcp) {
  OperatorPatience patience(1000);
  CHECK(patience.look(kStill, 1000 + kIdle - 1) == Verdict::kStays);
  CHECK(patience.look(kStill, 1000 + kIdle) == Verdict::kIdle);
  OperatorPatience endless(0);
  CHECK(endless.look(kOnUnix, 100 * kIdle) == Verdict::kStays);
}

TEST(patience_counts_from_the_last_byte) {
  OperatorPatience patience(0);
  auto sight = kStill;
  sight.moved = 7;
  CHECK(patience.look(sight, kIdle) == Verdict::kStays);
  CHECK(patience.look(sight, 2 * kIdle - 1) == Verdict::kStays);
  CHECK(patience.look(sight, 2 * kIdle) == Verdict::kIdle);
}

TEST(patience_is_endless_with_who_follows_or_reads_slowly) {
  OperatorPatience patience(0);
  CHECK(patience.look(kFollows, 100 * kIdle) == Verdict::kStays);
  CHECK(patience.look(kReadsSlowly, 200 * kIdle) == Verdict::kStays);
  auto both = kAsksOn;
  both.is_served = true;
  CHECK(patience.look(both, 200 * kIdle + kDeaf) == Verdict::kStays);
  // It begins when there is nothing left to wait for.
  CHECK(patience.look(kStill, 201 * kIdle + kDeaf - 1) == Verdict::kStays);
  CHECK(patience.look(kStill, 201 * kIdle + kDeaf) == Verdict::kIdle);
}

TEST(patience_ends_soon_for_who_asks_on_and_takes_nothing) {
  OperatorPatience patience(0);
  CHECK(patience.look(kAsksOn, kDeaf - 1) == Verdict::kStays);
  CHECK(patience.look(kAsksOn, kDeaf) == Verdict::kDeaf);
  OperatorPatience local(0);
  CHECK(local.look(kAsksOnOnUnix, kDeaf) == Verdict::kStays);
  CHECK(local.look(kAsksOnOnUnix, OperatorPatience::kDeafLocallyMs) == Verdict::kDeaf);
}

TEST(patience_lasts_while_answers_are_taken) {
  OperatorPatience patience(0);
  auto sight = kAsksOn;
  for (std::int64_t now = 0; now < 10 * kDeaf; now += kDeaf) {
    ++sight.moved;
    CHECK(patience.look(sight, now) == Verdict::kStays);
  }
}
