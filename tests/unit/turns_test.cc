#include "master/limits/turns.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::master;
using Guests = std::vector<GuestId>;

TEST(turns_of_one_owner_are_no_other_owners_wait) {
  Turns turns(2, 10);
  CHECK(turns.enter(1, "crowd"));
  CHECK(turns.enter(2, "crowd"));
  CHECK(!turns.enter(3, "crowd"));
  CHECK(!turns.enter(4, "crowd"));
  CHECK(turns.enter(5, "alone"));
  CHECK(turns.leave(5) == Guests{});
  CHECK(turns.leave(1) == Guests{3});
  CHECK(turns.leave(3) == Guests{4});
  CHECK(turns.leave(4) == Guests{});
}

TEST(turns_come_in_the_order_of_arrival) {
  Turns turns(2, 3);
  CHECK(turns.enter(1, "a"));
  CHECK(turns.enter(2, "a"));
  CHECK(turns.enter(3, "b"));
  CHECK(!turns.enter(9, "a"));
  CHECK(!turns.enter(8, "c"));
  CHECK(!turns.enter(7, "b"));
  CHECK(turns.leave(3) == Guests{8});  // 9's owner has enough
  CHECK(turns.leave(8) == Guests{7});
  CHECK(turns.leave(1) == Guests{9});
}

TEST(turns_of_nobody_are_over_without_harm) {
  Turns turns(1, 1);
  CHECK(turns.enter(1, "a"));
  CHECK(turns.leave(7) == Guests{});
  CHECK(!turns.enter(2, "a"));
  CHECK(turns.leave(1) == Guests{2});
}
