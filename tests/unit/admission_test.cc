#include "common/admission.h"

#include "tests/unit/check.h"

using namespace dm;

namespace {
// Who has to go; 0: nobody.
GuestId enter(Admission& room, GuestId guest, const std::string& address) {
  return room.enter(guest, address).value_or(0);
}
}  // namespace

TEST(a_room_with_places_sends_nobody_away) {
  Admission room(2);
  CHECK_EQ(enter(room, 1, "a"), 0U);
  CHECK_EQ(enter(room, 2, "a"), 0U);
  CHECK_EQ(room.size(), 2U);
}

TEST(a_crowd_pushes_out_its_own_oldest) {
  Admission room(3);
  CHECK_EQ(enter(room, 1, "alone"), 0U);
  CHECK_EQ(enter(room, 2, "crowd"), 0U);
  CHECK_EQ(enter(room, 3, "crowd"), 0U);
  CHECK_EQ(enter(room, 4, "crowd"), 2U);
  CHECK_EQ(enter(room, 5, "crowd"), 3U);
  CHECK_EQ(enter(room, 6, "other"), 4U);
  CHECK_EQ(room.size(), 3U);
}

TEST(of_equal_crowds_the_oldest_guest_goes) {
  Admission room(4);
  for (GuestId guest : {GuestId{1}, GuestId{2}}) CHECK_EQ(enter(room, guest, "z"), 0U);
  for (GuestId guest : {GuestId{3}, GuestId{4}}) CHECK_EQ(enter(room, guest, "a"), 0U);
  CHECK_EQ(enter(room, 5, "new"), 1U);
  // Now "a" is the busiest.
  CHECK_EQ(enter(room, 6, "new"), 3U);
}

TEST(a_newcomer_from_the_busiest_address_may_be_the_only_one_who_stays) {
  Admission room(1);
  CHECK_EQ(enter(room, 1, "a"), 0U);
  CHECK_EQ(enter(room, 2, "a"), 1U);
  CHECK_EQ(enter(room, 3, "b"), 2U);
}

TEST(who_leaves_frees_his_place) {
  Admission room(2);
  CHECK_EQ(enter(room, 1, "a"), 0U);
  CHECK_EQ(enter(room, 2, "b"), 0U);
  room.leave(1);
  room.leave(1);
  room.leave(99);
  CHECK_EQ(enter(room, 3, "a"), 0U);
  CHECK_EQ(enter(room, 4, "c"), 2U);
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

TEST(thousands_behind_one_address_come_in_if_a_key_has_proved_their_names) {
  Quota quota(2, 100);
  for (GuestId guest = 0; guest < 50; ++guest)
    CHECK(quota.enter(guest, counted_as("10.0.0.1", "w" + std::to_string(guest))));
  CHECK(quota.enter(50, counted_as("10.0.0.1", "")));
  CHECK(quota.enter(51, counted_as("10.0.0.1", "")));
  CHECK(!quota.enter(52, counted_as("10.0.0.1", "")));
  // One stolen key opens no more than an address.
  CHECK(quota.enter(53, counted_as("10.0.0.2", "w7")));
  CHECK(!quota.enter(54, counted_as("10.0.0.3", "w7")));
}
