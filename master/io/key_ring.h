// master/io/key_ring.h - the secrets that this master accepts, and what they open.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/access_key.h"
#include "common/handshake.h"

namespace dm::master {

// Which key somebody has proved; nothing of it is secret.
struct Credential {
  std::string name;
  std::int64_t generation = 0;
  std::uint64_t secret = 0;  // which of the ring's it was derived from; 0: none, with --insecure
};

class KeyRing {
 public:
  // Several secrets may hold at once, while one is being replaced by another.
  explicit KeyRing(std::vector<std::string> files) : files_(std::move(files)) {}

  // Reads the files, at start and on SIGHUP; on an error what was there stays. One of them must be
  // there; the others may come later, or be gone again, and are the answer. Errors: the file's.
  Result<std::vector<std::string>> load();

  // Without keys everybody is let in: `--insecure`, on loopback only.
  bool is_open() const { return files_.empty(); }

  struct Accepted {
    Handshake handshake;
    Credential credential;
  };
  // accept_handshake() with all of them.
  std::optional<Accepted> verify(const Line& hello, std::string_view master_nonce, KeyKind kind,
                                 std::int64_t least_generation) const;

  // Why verify() says no, for the master's own log: never for the peer. `others`: names whose keys
  // it may be.
  std::string why_not(const Line& hello, std::string_view master_nonce, KeyKind kind,
                      std::int64_t least_generation, const std::vector<std::string>& others) const;

  // What seals this master's epoch: one key a secret, that of the newest first.
  std::vector<std::string> epoch_keys() const;

  // Would that key still be accepted? Its secret may have been dropped, its name revoked.
  bool holds(const Credential& credential, std::int64_t least_generation) const;

 private:
  std::vector<std::string> files_;
  std::map<std::uint64_t, AccessKey> secrets_;  // by a number that stays while the secret does
  std::uint64_t next_ = 1;
};

}  // namespace dm::master
