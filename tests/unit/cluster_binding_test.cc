#include "worker/core/cluster_binding.h"

#include "tests/unit/check.h"

using dm::worker::ClusterBinding;
using dm::worker::epoch_of_order;

TEST(binding_obeys_its_own_cluster_alone) {
  CHECK_EQ(ClusterBinding{}.refusal("aaa", "1-x", false), "");
  const ClusterBinding binding{"aaa", "7-x"};
  CHECK_EQ(binding.refusal("aaa", "7-x", false), "");
  CHECK(binding.refusal("bbb", "9-x", false).find("--join") != std::string::npos);
}

TEST(binding_obeys_a_netcat_while_there_is_none) {
  CHECK_EQ(ClusterBinding{}.refusal("", "", false), "");
  const ClusterBinding binding{"aaa", "7-x"};
  CHECK(binding.refusal("", "", false).find("--join") != std::string::npos);
  CHECK_EQ(binding.refusal("", "", true), "");
}

TEST(binding_obeys_no_older_epoch) {
  const ClusterBinding binding{"aaa", "7-x"};
  CHECK_EQ(binding.refusal("aaa", "8-y", false), "");
  CHECK(binding.refusal("aaa", "6-y", false).find("older") != std::string::npos);
  CHECK(!binding.refusal("aaa", "junk", false).empty());
}

TEST(binding_obeys_no_other_start_of_the_same_number) {
  const ClusterBinding binding{"aaa", "7-x"};
  CHECK(binding.refusal("aaa", "7-y", false).find("old copy") != std::string::npos);
  CHECK(!binding.refusal("aaa", "7", false).empty());
}

TEST(binding_knows_the_epoch_of_an_order) {
  CHECK_EQ(epoch_of_order("4-99ab.12"), "4-99ab");
  for (const char* other : {"", "1", "launch-1", "4-99ab", "4-99ab.", "4-.1", "4-xy.1", "x-99.1",
                            "4.99-ab", "4-99ab.1x", "-.", ".-"})
    CHECK_EQ(epoch_of_order(other), "");
}
