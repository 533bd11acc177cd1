#include "master/limits/operator_places.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::master;

namespace {
// How many of `count` more get in; the guests are numbered from `first` on.
std::size_t enter(OperatorPlaces& places, GuestId first, std::size_t count, Entrance entrance,
                  const std::string& host, const std::string& key = {}) {
  std::size_t in = 0;
  for (GuestId guest = first; guest < first + count; ++guest)
    if (places.enter(guest, entrance, host, key)) ++in;
  return in;
}
}  // namespace

TEST(places_of_one_entrance_are_not_anothers) {
  OperatorPlaces places;
  for (GuestId host = 0; host < 4; ++host)
    CHECK_EQ(enter(places, 1 + host * 1000, 300, Entrance::kTcp, "127.0.0." + std::to_string(host)),
             256U);
  CHECK_EQ(enter(places, 5000, 1, Entrance::kTcp, "127.0.0.9"), 0U);
  for (GuestId user = 0; user < 4; ++user)
    CHECK_EQ(
        enter(places, 10'000 + user * 1000, 300, Entrance::kGroups, "u" + std::to_string(user)),
        256U);
  CHECK_EQ(enter(places, 15'000, 1, Entrance::kGroups, "u9"), 0U);
  CHECK_EQ(enter(places, 20'000, 300, Entrance::kOwners, "root"), 256U);
  CHECK_EQ(enter(places, 21'000, 1, Entrance::kOwners, "dm"), 1U);
}

TEST(places_of_a_key_are_few_wherever_it_is_used) {
  OperatorPlaces places;
  CHECK_EQ(enter(places, 1, 40, Entrance::kTcp, "a", "viewer"), 40U);
  CHECK_EQ(enter(places, 101, 40, Entrance::kTcp, "b", "viewer"), 24U);
  CHECK_EQ(enter(places, 201, 40, Entrance::kTcp, "b", "admin"), 40U);
  places.leave(1);
  CHECK_EQ(enter(places, 301, 2, Entrance::kTcp, "c", "viewer"), 1U);
}

TEST(who_has_proved_a_key_is_not_counted_by_address) {
  OperatorPlaces places;
  CHECK_EQ(enter(places, 1, 256, Entrance::kTcp, "a"), 256U);
  CHECK_EQ(enter(places, 301, 100, Entrance::kTcp, "a", "viewer"), 64U);
  CHECK_EQ(enter(places, 401, 1, Entrance::kTcp, "a"), 0U);
}
