#include "common/admission.h"

#include <random>

#include "tests/unit/check.h"

using namespace dm;

namespace {
// Who has to go; 0: nobody.
GuestId enter(Admission& room, GuestId guest, const std::string& address,
              std::uint64_t random = 0) {
  return room.enter(guest, address, random).value_or(0);
}

std::string address(std::uint64_t number) {
  return "10." + std::to_string(number);
}

// A crowd comes from everywhere, so many a second, and honest guests between, who need so long for
// their proof. Returns how many of a hundred keep their place until then.
int survivors(std::uint64_t a_second, std::uint64_t needed_ms) {
  Admission room(1024);
  std::mt19937_64 random(7);  // NOLINT: the same each time is what is wanted
  GuestId next = 1;
  int in = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) (void)room.enter(next++, address(i), random());
  for (int honest = 0; honest < 100; ++honest) {
    const GuestId guest = next++;
    bool stays = room.enter(guest, "honest", random()) != guest;
    for (std::uint64_t i = 0; i < a_second * needed_ms / 1000; ++i)
      if (const GuestId crowd = next++; room.enter(crowd, address(crowd), random()) == guest)
        stays = false;
    if (stays) ++in;
    room.leave(guest);
  }
  return in;
}
}  // namespace

TEST(a_room_with_places_sends_nobody_away) {
  Admission room(2);
  CHECK_EQ(enter(room, 1, "a"), 0U);
  CHECK_EQ(enter(room, 2, "a"), 0U);
  CHECK_EQ(room.size(), 2U);
}

TEST(a_crowd_pushes_out_its_own) {
  Admission room(3);
  CHECK_EQ(enter(room, 1, "alone"), 0U);
  CHECK_EQ(enter(room, 2, "crowd"), 0U);
  CHECK_EQ(enter(room, 3, "crowd"), 0U);
  CHECK_EQ(enter(room, 4, "crowd", 0), 2U);
  CHECK_EQ(enter(room, 5, "crowd", 2), 5U);
  CHECK_EQ(enter(room, 6, "other", 4), 3U);
  CHECK_EQ(room.size(), 3U);
}

TEST(of_equal_crowds_the_lot_decides) {
  for (std::uint64_t number = 0; number < 5; ++number) {
    Admission room(4);
    for (GuestId guest = 1; guest <= 4; ++guest) CHECK_EQ(enter(room, guest, address(guest)), 0U);
    CHECK_EQ(enter(room, 5, address(5), number), number + 1);
  }
}

TEST(who_leaves_frees_his_place) {
  Admission room(2);
  CHECK_EQ(enter(room, 1, "a"), 0U);
  CHECK_EQ(enter(room, 2, "b"), 0U);
  room.leave(1);
  room.leave(1);
  room.leave(99);
  CHECK_EQ(enter(room, 3, "a"), 0U);
  CHECK_EQ(enter(room, 4, "c", 1), 2U);
}

TEST(a_crowd_from_everywhere_leaves_time_for_a_proof) {
  CHECK(survivors(1000, 300) > 60);   // a distance of 150 ms
  CHECK(survivors(10'000, 300) > 0);  // some of the tries that a worker makes in a few minutes
}

TEST(addresses_that_proved_a_key_have_places_of_their_own) {
  Admission room(2);
  room.proved("known");
  CHECK_EQ(enter(room, 1, "known"), 0U);
  for (GuestId guest = 2; guest < 100; ++guest)
    CHECK(enter(room, guest, address(guest), guest) != 1U);
  CHECK_EQ(room.size(), 3U);
  room.leave(1);
  CHECK_EQ(room.size(), 2U);
}

TEST(of_the_addresses_that_proved_a_key_the_oldest_is_forgotten) {
  Admission room(1);
  for (std::uint64_t i = 0; i < Admission::kRemembered; ++i) room.proved(address(i));
  room.proved(address(0));
  room.proved("new");  // address 1 goes for it
  CHECK_EQ(enter(room, 1, "stranger"), 0U);
  CHECK_EQ(enter(room, 2, address(0)), 0U);
  CHECK_EQ(enter(room, 3, address(1), 0), 3U);
}

TEST(a_quota_refuses_the_newcomer) {
  Quota quota(2, 3);
  CHECK(quota.enter(1, "a"));
  CHECK(quota.enter(2, "a"));
  CHECK(!quota.enter(3, "a"));
  CHECK(quota.enter(4, "b"));
  CHECK(!quota.enter(5, "c"));
  quota.leave(3);  // was never in
  CHECK(!quota.enter(6, "c"));
  quota.leave(1);
  CHECK(quota.enter(7, "c"));
}
