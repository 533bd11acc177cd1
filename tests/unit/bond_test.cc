#include "worker/core/bond.h"

#include "tests/unit/check.h"

using dm::Bond;

TEST(bond_obeys_its_own_cluster_alone) {
  CHECK_EQ(Bond{}.refusal("aaa", "1-x"), "");
  const Bond bond{"aaa", "7-x"};
  CHECK_EQ(bond.refusal("aaa", "7-x"), "");
  CHECK(bond.refusal("bbb", "9-x").find("--join") != std::string::npos);
  CHECK_EQ(bond.refusal("", ""), "");  // a netcat
}

TEST(bond_obeys_no_older_epoch) {
  const Bond bond{"aaa", "7-x"};
  CHECK_EQ(bond.refusal("aaa", "8-y"), "");
  CHECK(bond.refusal("aaa", "6-y").find("older") != std::string::npos);
  CHECK(!bond.refusal("aaa", "junk").empty());
}
