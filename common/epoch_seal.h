// common/epoch_seal.h - the code that proves that a master of this cluster has issued an epoch: a
// worker hears it in WELCOME and can repeat it, but not make one. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/access_key.h"

namespace dm {

// What a worker says that its master was: the start of it, and how many records it had written.
struct EpochClaim {
  std::string cluster, epoch;
  std::int64_t record = 0;
};

// The key of all seals under one secret: HMAC-SHA256(secret, "dm 1 epoch key"). It opens nothing.
std::string epoch_key(const AccessKey& secret);

// The first 16 bytes, in hex, of HMAC-SHA256(key, "dm 1 epoch seal", cluster, epoch, record), each
// part ended by a newline.
std::string seal_epoch(std::string_view key, const EpochClaim& claim);

// True if one of the keys has sealed the claim.
bool is_sealed(const std::vector<std::string>& keys, const EpochClaim& claim,
               std::string_view seal);

}  // namespace dm
