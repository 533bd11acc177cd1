#include "worker/core/bond.h"

#include "tests/unit/check.h"

using dm::worker::Bond;
using dm::worker::epoch_of_order;

TEST(bond_obeys_its_own_cluster_alone) {
  CHECK_EQ(Bond{}.refusal("aaa", "1-x", false), "");
  const Bond bond{"aaa", "7-x"};
  CHECK_EQ(bond.refusal("aaa", "7-x", false), "");
  CHECK(bond.refusal("bbb", "9-x", false).find("--join") != std::string::npos);
}

TEST(bond_obeys_a_netcat_while_there_is_none) {
  CHECK_EQ(Bond{}.refusal("", "", false), "");
  const Bond bond{"aaa", "7-x"};
  CHECK(bond.refusal("", "", false).find("--join") != std::string::npos);
  CHECK_EQ(bond.refusal("", "", true), "");
}

TEST(bond_obeys_no_older_epoch) {
  const Bond bond{"aaa", "7-x"};
  CHECK_EQ(bond.refusal("aaa", "8-y", false), "");
  CHECK(bond.refusal("aaa", "6-y", false).find("older") != std::string::npos);
  CHECK(!bond.refusal("aaa", "junk", false).empty());
}

TEST(bond_obeys_no_other_start_of_the_same_number) {
  const Bond bond{"aaa", "7-x"};
  CHECK(bond.refusal("aaa", "7-y", false).find("old copy") != std::string::npos);
  CHECK(!bond.refusal("aaa", "7", false).empty());
}

TEST(bond_knows_the_epoch_of_an_order) {
  CHECK_EQ(epoch_of_order("4-99ab.12"), "4-99ab");
  for (const char* other : {"", "1", "launch-1", "4-99ab", "4-99ab.", "4-.1", "4-xy.1", "x-99.1",
                            "4.99-ab", "4-99ab.1x", "-.", ".-"})
    CHECK_EQ(epoch_of_order(other), "");
}
