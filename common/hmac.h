// common/hmac.h - HMAC-SHA256 (RFC 2104) and a comparison that takes no hint from its length of
// time. Pure: never touches a descriptor, keeps no copy of a key beyond the object.
#pragma once

#include <string_view>

#include "common/sha256.h"

namespace dm {

// A keyed message in the making. Copy a fresh one per message to spare the key's two blocks.
class HmacSha256 {
 public:
  explicit HmacSha256(std::string_view key);  // of any length

  void update(std::string_view bytes) { inner_.update(bytes); }
  // The authentication code of the whole message. The object is used up.
  Sha256Digest finish();

 private:
  Sha256 inner_;
  Sha256 outer_;
};

Sha256Digest hmac_sha256(std::string_view key, std::string_view message);

// Whether both hold the same bytes. The time depends on the sizes only, never on the content:
// for proofs and codes that a stranger may guess at.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace dm
