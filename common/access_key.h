// common/access_key.h - the keys of a cluster: the master's secret, and what is derived from it for
// one worker or one operator. Pure: never reads a file, never makes randomness.
//
// A key file is one line:
//   dm-secret HEX64
//   dm-worker NAME GENERATION HEX64
//   dm-control NAME ROLE GENERATION HEX64
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

namespace dm {

enum class KeyKind { kSecret, kWorker, kControl };

struct AccessKey {
  KeyKind kind = KeyKind::kSecret;
  std::string name;  // empty for a secret
  std::string role;  // "viewer", "operator" or "admin", for kControl
  std::int64_t generation = 0;
  std::string bytes;  // 32; never shown

  // What names the key on the wire: "worker.3", "operator.1". REQUIRES kind != kSecret.
  std::string id() const;
};

// HMAC-SHA256(secret, "worker", name, generation): a stolen worker key opens nothing else.
AccessKey derive_worker_key(const AccessKey& secret, std::string_view name,
                            std::int64_t generation);
AccessKey derive_control_key(const AccessKey& secret, std::string_view name, std::string_view role,
                             std::int64_t generation);
// The key that a peer called `name` claims by its id. Errors: denied, for an id of no known form.
Result<AccessKey> derive_claimed_key(const AccessKey& secret, std::string_view name,
                                     std::string_view id);

std::string print_key(const AccessKey& key);  // the line with its newline
// Errors: bad-arg, without a word of the content.
Result<AccessKey> parse_key(std::string_view text);

bool is_role(std::string_view text);

}  // namespace dm
