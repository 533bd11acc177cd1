// The seal of an epoch: fits one claim under one secret.
#include "common/epoch_seal.h"

#include "tests/unit/check.h"

using namespace dm;

namespace {

std::string key_of(char letter) {
  AccessKey secret;
  secret.bytes = std::string(32, letter);
  return epoch_key(secret);
}

const EpochClaim kClaim{"c1", "4-aa", 17};

}  // namespace

TEST(epoch_seal_fits_what_was_sealed) {
  const std::string seal = seal_epoch(key_of('a'), kClaim);
  CHECK_EQ(seal.size(), 32U);
  CHECK(is_sealed({key_of('a')}, kClaim, seal));
  // While one secret replaces another.
  CHECK(is_sealed({key_of('b'), key_of('a')}, kClaim, seal));
  CHECK(!is_sealed({key_of('b')}, kClaim, seal));
  CHECK(!is_sealed({}, kClaim, seal));
  CHECK(!is_sealed({key_of('a')}, kClaim, ""));
}

TEST(epoch_seal_fits_no_other_claim) {
  const std::string seal = seal_epoch(key_of('a'), kClaim);
  const EpochClaim others[] = {
      {"c2", "4-aa", 17}, {"c1", "5-aa", 17}, {"c1", "4-aa", 18}, {"c1\n4-aa", "", 17}};
  for (const EpochClaim& other : others) CHECK(!is_sealed({key_of('a')}, other, seal));
  // The key of the seals is not the secret itself.
  CHECK(key_of('a') != std::string(32, 'a'));
}
