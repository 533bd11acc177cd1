// What a claim of a later epoch is worth.
#include "master/decide/fence.h"

#include "tests/unit/check.h"

using namespace dm::master;

TEST(fence_weighs_each_claim) {
  struct Row {
    bool names, known, sealed, keys;
    ClaimWeight weight;
  };
  constexpr Row kRows[] = {
      {false, false, false, true, ClaimWeight::kNone},
      {false, false, false, false, ClaimWeight::kNone},
      {true, true, false, true, ClaimWeight::kNone},
      {true, true, true, true, ClaimWeight::kNone},
      {true, false, false, true, ClaimWeight::kNotice},
      {true, false, true, true, ClaimWeight::kFence},
      {true, false, false, false, ClaimWeight::kFence},
  };
  for (const Row& row : kRows)
    CHECK(weigh_claim({row.names, row.known, row.sealed, row.keys}) == row.weight);
}
